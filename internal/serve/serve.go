// Package serve runs an HTTP server and stops it without losing a request that a router has already sent.
//
// net/http's Shutdown alone loses some: connections that wait to be accepted when the listener closes are reset, and so
// is a kept connection that looks idle while the router's next request is on its way to it. A router learns of a stop a
// little later than the process does, so the server goes on for that little while, and has routers part with its
// connections by an answer.
package serve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

const (
	// Grace is how long a stopping server lets requests end, all in all. Heroku kills at 30 s.
	Grace = 20 * time.Second
	// lingerMost is how long it accepts requests at most, because some routers never learn that it stops.
	lingerMost = 5 * time.Second
	// lookEvery and quietLooks: it closes once it has seen nothing of a router at ten looks in a row, half a second. They
	// are looks and not one wait, because a process that gets no processor for a while must not take that for silence.
	lookEvery  = 50 * time.Millisecond
	quietLooks = 10
)

// Server is an HTTP server that ends with a context.
type Server struct {
	HTTP     *http.Server
	Routed   bool   // a router is in front, which may send a request to a server that stops
	Stopping func() // called when the stop begins; nil: nothing to do

	stopping atomic.Bool
	heard    atomic.Bool // from a client, since the last look
}

// Run serves on listener until ctx ends and the requests in flight, and those on their way, are answered.
func (s *Server) Run(ctx context.Context, listener net.Listener) error {
	s.HTTP.Handler = s.partWhenStopping(s.HTTP.Handler)
	s.HTTP.ConnState = func(_ net.Conn, state http.ConnState) {
		if state != http.StateClosed {
			s.heard.Store(true)
		}
	}
	served := make(chan error, 1)
	go func() { served <- s.HTTP.Serve(listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), Grace)
	defer cancel()
	s.stopping.Store(true)
	if s.Stopping != nil {
		s.Stopping()
	}
	if s.Routed {
		s.linger()
	}
	if err := s.HTTP.Shutdown(ctx); err != nil {
		return fmt.Errorf("requests were still running after %s: %w", Grace, err)
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// partWhenStopping has clients that keep their connections part with them by an answer, rather than find them closed
// under their next request.
func (s *Server) partWhenStopping(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.stopping.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// linger waits until no client has opened a connection, asked or been answered for a while, or for lingerMost.
func (s *Server) linger() {
	looks := time.NewTicker(lookEvery)
	defer looks.Stop()
	most := time.After(lingerMost)
	for quiet := 0; quiet < quietLooks; {
		select {
		case <-looks.C:
		case <-most:
			return
		}
		quiet++
		if s.heard.Swap(false) {
			quiet = 0
		}
	}
}
