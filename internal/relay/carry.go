package relay

import (
	"bytes"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

func (r *Relay) accept(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		r.wg.Go(func() { r.carry(conn.(*net.TCPConn)) })
	}
}

// carry connects a client with the target until both have ended.
func (r *Relay) carry(client *net.TCPConn) {
	defer client.Close()
	r.mu.Lock()
	silent := r.silent
	r.mu.Unlock()
	<-silent
	server := r.dial()
	if server == nil {
		return
	}
	defer server.Close()
	p := &pair{client, server}
	r.mu.Lock()
	down := r.listener == nil
	r.pairs[p] = struct{}{}
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.pairs, p)
	}()
	if down {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { r.pass(server, client, true) })
	both.Go(func() { r.pass(client, server, false) })
	both.Wait()
}

// dial connects to the target, or to the new one if Aim changes it meanwhile. It returns nil if it cannot connect.
func (r *Relay) dial() *net.TCPConn {
	for last := ""; ; {
		r.mu.Lock()
		target := r.target
		r.mu.Unlock()
		if target == last {
			return nil
		}
		if conn, err := net.Dial("tcp", target); err == nil {
			return conn.(*net.TCPConn)
		}
		last = target
	}
}

// pass copies one direction until it ends, and then ends it at the other side.
func (r *Relay) pass(to, from *net.TCPConn, toTarget bool) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		r.mu.Lock()
		silent, delay, after := r.silent, r.delay, r.after
		if toTarget {
			delay += r.rtt
		}
		r.mu.Unlock()
		<-silent
		if n > 0 {
			time.Sleep(delay) // the fault itself
			if _, werr := to.Write(buf[:n]); werr != nil {
				err = errors.Join(err, werr)
			}
			if toTarget && after != "" && bytes.Contains(buf[:n], []byte(after)) {
				r.Hush()
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
