package drill

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httputil"
	"slices"
	"sync"
	"time"
)

// balancer spreads requests over web processes, as a platform's router does: a process that is to be stopped gets no new
// request, what it has is left to it, and a request is tried elsewhere only while nothing of it has been sent.
type balancer struct {
	addr string

	mu      sync.Mutex
	targets []string
	next    int
}

func (s *stage) balance() (*balancer, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	b := &balancer{addr: listener.Addr().String()}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = "http", "a.web.process" },
		// A connection a request: one that is kept could be closed by a stopping process just as it is used again.
		Transport: &http.Transport{DialContext: b.dial, DisableKeepAlives: true},
	}
	server := &http.Server{Handler: proxy, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = server.Serve(listener) }()
	s.later(func() { _ = server.Close() })
	return b, nil
}

// dial connects to the targets in turn.
func (b *balancer) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	b.mu.Lock()
	targets := slices.Clone(b.targets)
	b.next++
	first := b.next
	b.mu.Unlock()
	err := errors.New("no web process")
	for i := range targets {
		var conn net.Conn
		if conn, err = new(net.Dialer).DialContext(ctx, network, targets[(first+i)%len(targets)]); err == nil {
			return conn, nil
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
