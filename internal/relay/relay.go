// Package relay is a TCP proxy that can disturb its connections like a bad network, a restart or a failover. The drill
// and the fault tests put it in front of Postgres, a mail server and web processes.
package relay

import (
	"net"
	"net/url"
	"sync"
	"time"
)

// Relay is a proxy with a fixed address. Its target can change, and the proxy can go down and come up again.
type Relay struct {
	addr string

	mu       sync.Mutex
	target   string
	listener net.Listener // nil while the relay is down
	pairs    map[*pair]struct{}
	silent   chan struct{} // closed while bytes flow
	after    string        // falls silent once this has gone to the target; empty: never
	delay    time.Duration // of each piece of data
	rtt      time.Duration // added on the way to the target
	closed   bool          // for good; it is no longer silent
	wg       sync.WaitGroup
}

// pair is one connection through the relay.
type pair struct{ client, server *net.TCPConn }

// New starts a relay at addr that connects to target. Close ends it.
func New(addr, target string) (*Relay, error) {
	flowing := make(chan struct{})
	close(flowing)
	r := &Relay{addr: addr, target: target, pairs: map[*pair]struct{}{}, silent: flowing}
	return r, r.Up()
}

// Addr returns the relay's host and port.
func (r *Relay) Addr() string { return r.addr }

// Through returns rawURL with the relay's address. A URL that cannot be parsed is returned as it is.
func (r *Relay) Through(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err != nil {
		return rawURL
	}
	u.Host = r.addr
	return u.String()
}

// Up listens on the relay's address.
func (r *Relay) Up() error {
	listener, err := net.Listen("tcp", r.addr)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.addr, r.listener = listener.Addr().String(), listener
	r.wg.Go(func() { r.accept(listener) })
	return nil
}

// Down refuses new connections and closes the open ones.
func (r *Relay) Down() {
	r.mu.Lock()
	if r.listener != nil {
		r.listener.Close()
		r.listener = nil
	}
	r.mu.Unlock()
	for _, p := range r.all() {
		p.client.Close()
		p.server.Close()
	}
}

// Close ends the relay and all its connections.
func (r *Relay) Close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.Flow()
	r.Cut()
	r.Down()
	r.wg.Wait()
}

// Aim sets the target of new connections.
func (r *Relay) Aim(target string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.target = target
}

// Cut closes every connection at both ends, like a reset.
func (r *Relay) Cut() {
	for _, p := range r.all() {
		_ = p.client.SetLinger(0)
		_ = p.server.SetLinger(0)
		p.client.Close()
		p.server.Close()
	}
}

// Halve closes one direction of every connection and leaves the other open, as if the server, or the client, had nothing
// more to send.
func (r *Relay) Halve(towardsClient bool) {
	for _, p := range r.all() {
		if towardsClient {
			_ = p.client.CloseWrite()
		} else {
			_ = p.server.CloseWrite()
		}
	}
}

// Hush stops all traffic and closes nothing, like a network that drops every packet. Flow ends it.
func (r *Relay) Hush() {
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-r.silent:
		if !r.closed {
			r.silent = make(chan struct{})
		}
	default: // already silent: pieces of data wait for this channel
	}
}

// HushAfter calls Hush once text has gone to the target in one piece.
func (r *Relay) HushAfter(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.after = text
}

// Flow lets traffic through again.
func (r *Relay) Flow() {
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-r.silent:
	default:
		close(r.silent)
	}
}

// Distant delays what goes to the target by rtt, and not the answers: a system may make 1 ms of a shorter sleep, so that half of it in
// each direction would be twice as long.
func (r *Relay) Distant(rtt time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rtt = rtt
}

// Slow delays every piece of data in both directions.
func (r *Relay) Slow(by time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.delay = by
}

func (r *Relay) all() (pairs []*pair) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for p := range r.pairs {
		pairs = append(pairs, p)
	}
	return pairs
}
