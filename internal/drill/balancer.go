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

// balancer spreads requests over web processes and does no more for them than Heroku's router: it keeps its connections,
// it turns to another process only where one does not take a connection, and what is lost on a connection is lost.
type balancer struct {
	addr      string
	transport *http.Transport

	mu      sync.Mutex
	targets []string
	next    int
}

// errNotTaken says that a target did not take a connection, so that nothing of the request was sent.
var errNotTaken = errors.New("the connection was not taken")

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
		return nil, errors.Join(errNotTaken, err)
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
		// Without GetBody the transport does not send it again over another connection when the first was closed.
		out.Body = io.NopCloser(bytes.NewReader(body))
		var res *http.Response
		if res, err = b.transport.RoundTrip(out); !errors.Is(err, errNotTaken) {
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
