package drill

import (
	"errors"
	"io"
	"net"
	"net/url"
	"sync"
	"time"
)

// relay is a TCP proxy between processes and Postgres that can disturb its connections.
type relay struct {
	listener net.Listener

	mu     sync.Mutex
	target string
	pairs  map[*pair]struct{}
	silent chan struct{} // closed while bytes flow
	delay  time.Duration // of each piece of data
	closed bool
	wg     sync.WaitGroup
}

// pair is one connection through the relay.
type pair struct{ client, server *net.TCPConn }

// relay starts a proxy to the server of databaseURL. It runs until the scenario is over.
func (s *stage) relay(databaseURL string) (*relay, error) {
	return s.relayAt("127.0.0.1:0", hostOf(databaseURL))
}

func (s *stage) relayAt(addr, target string) (*relay, error) {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	flowing := make(chan struct{})
	close(flowing)
	r := &relay{listener: listener, target: target, pairs: map[*pair]struct{}{}, silent: flowing}
	r.wg.Go(r.accept)
	s.later(func() {
		r.mu.Lock()
		r.closed = true
		r.mu.Unlock()
		listener.Close()
		r.flow()
		r.cut()
		r.wg.Wait()
	})
	return r, nil
}

// through returns databaseURL with the relay's address.
func (r *relay) through(databaseURL string) string {
	u, _ := url.Parse(databaseURL) // parsed by pgx before
	u.Host = r.listener.Addr().String()
	return u.String()
}

func hostOf(databaseURL string) string {
	u, _ := url.Parse(databaseURL) // as above
	return u.Host
}

// aim sets the target of new connections.
func (r *relay) aim(target string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.target = target
}

// cut closes every connection at both ends, like a reset.
func (r *relay) cut() {
	for _, p := range r.all() {
		_ = p.client.SetLinger(0)
		_ = p.server.SetLinger(0)
		p.client.Close()
		p.server.Close()
	}
}

// halve closes one direction of every connection: the client sees the end of the server's data, or the server that of
// the client's.
func (r *relay) halve(towardsClient bool) {
	for _, p := range r.all() {
		if towardsClient {
			_ = p.client.CloseWrite()
		} else {
			_ = p.server.CloseWrite()
		}
	}
}

// hush stops all traffic without closing a connection, like a broken network; flow ends it.
func (r *relay) hush() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.silent = make(chan struct{})
}

func (r *relay) flow() {
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-r.silent:
	default:
		close(r.silent)
	}
}

// slow delays every piece of data in both directions.
func (r *relay) slow(by time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.delay = by
}

func (r *relay) all() (pairs []*pair) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for p := range r.pairs {
		pairs = append(pairs, p)
	}
	return pairs
}

func (r *relay) accept() {
	for {
		conn, err := r.listener.Accept()
		if err != nil {
			return
		}
		r.wg.Go(func() { r.carry(conn.(*net.TCPConn)) })
	}
}

func (r *relay) carry(client *net.TCPConn) {
	defer client.Close()
	r.mu.Lock()
	target, silent := r.target, r.silent
	r.mu.Unlock()
	<-silent
	conn, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer conn.Close()
	p := &pair{client, conn.(*net.TCPConn)}
	r.mu.Lock()
	closed := r.closed
	r.pairs[p] = struct{}{}
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.pairs, p)
	}()
	if closed {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { r.pass(p.server, p.client) })
	both.Go(func() { r.pass(p.client, p.server) })
	both.Wait()
}

// pass copies one direction until it ends, and then closes that direction on the other side.
func (r *relay) pass(to, from *net.TCPConn) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		r.mu.Lock()
		silent, delay := r.silent, r.delay
		r.mu.Unlock()
		<-silent
		if delay > 0 && n > 0 {
			time.Sleep(delay) // the requested fault
		}
		if n > 0 {
			if _, werr := to.Write(buf[:n]); werr != nil {
				err = errors.Join(err, werr)
			}
		}
		if errors.Is(err, io.EOF) {
			_ = to.CloseWrite()
			return
		}
		if err != nil {
			to.Close()
			from.Close()
			return
		}
	}
}
