package drill

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"slices"
	"sync"
	"time"
)

// balancer spreads requests over web processes like Heroku's router: it keeps connections alive, it tries another
// process only if one does not accept a connection, and it does not retry requests that are lost on a connection.
type balancer struct {
	addr      string
	transport *http.Transport

	mu      sync.Mutex
	targets []string
	next    int
}

// errNotAccepted means that a target did not accept a connection, so that no part of the request was sent.
var errNotAccepted = errors.New("the connection was not accepted")

func (s *stage) balance() (*balancer, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	b := &balancer{
		addr:      listener.Addr().String(),
		transport: &http.Transport{DialContext: dial, MaxIdleConnsPerHost: senders, IdleConnTimeout: 90 * time.Second},
	}
	proxy := &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.Out.URL.Scheme = "http" },
		Transport: b,
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			http.Error(w, err.Error(), http.StatusBadGateway) // the report quotes it
		},
	}
	server := &http.Server{Handler: proxy, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = server.Serve(listener) }()
	s.later(func() {
		_ = server.Close()
		b.transport.CloseIdleConnections()
	})
	return b, nil
}

func dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, addr)
	if err != nil {
		return nil, errors.Join(errNotAccepted, err)
	}
	return conn, nil
}

// RoundTrip sends a request to one of the targets, in turn.
func (b *balancer) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	targets := slices.Clone(b.targets)
	b.next++
	first := b.next
	b.mu.Unlock()
	err = errors.New("no web process")
	for i := range targets {
		out := r.Clone(r.Context())
		out.URL.Host = targets[(first+i)%len(targets)]
		// Without GetBody the transport does not resend the request on another connection when the first was closed.
		out.Body = io.NopCloser(bytes.NewReader(body))
		var res *http.Response
		if res, err = b.transport.RoundTrip(out); !errors.Is(err, errNotAccepted) {
			return res, err
		}
	}
	return nil, err
}

func (b *balancer) add(target string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.targets = append(b.targets, target)
}

func (b *balancer) remove(target string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.targets = slices.DeleteFunc(slices.Clone(b.targets), func(t string) bool { return t == target })
}
