// Package serve runs an HTTP server and stops it without losing a request that a router has already sent.
//
// net/http's Shutdown alone loses some. It resets connections that wait to be accepted when the listener closes, and a
// kept-alive connection that looks idle while the router's next request is on its way. A router learns of a stop a
// little later than the process, so the server keeps accepting requests for that time, and closes each connection with
// a response.
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
	// Grace is how long a stopping server waits for requests in all. Heroku kills a process after 30 s.
	Grace = 20 * time.Second
	// maxLinger is how long a stopping server accepts requests at most, because some routers never learn of the stop.
	maxLinger = 5 * time.Second
	// A stopping server closes after quietChecks checks without a sign of the router, one every checkEvery: half a
	// second. It checks often instead of waiting once, so that a process that gets no CPU for a while does not mistake
	// that for silence.
	checkEvery  = 50 * time.Millisecond
	quietChecks = 10
)

// Server is an HTTP server that ends with a context.
type Server struct {
	HTTP     *http.Server
	Routed   bool   // a router is in front, which may send requests to a stopping server
	Stopping func() // if set, called when the stop begins

	stopping atomic.Bool
	active   atomic.Bool // a connection was active since the last check
}

// Run serves on listener until ctx ends and the requests in flight or on their way are answered.
func (s *Server) Run(ctx context.Context, listener net.Listener) error {
	s.HTTP.Handler = s.closeWhenStopping(s.HTTP.Handler)
	s.HTTP.ConnState = func(_ net.Conn, state http.ConnState) {
		if state != http.StateClosed {
			s.active.Store(true)
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

// closeWhenStopping ends kept-alive connections with a response, so that clients do not find them closed when they send
// their next request.
func (s *Server) closeWhenStopping(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.stopping.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// linger waits until there has been no new connection, request or response for a while, at most for maxLinger.
func (s *Server) linger() {
	checks := time.NewTicker(checkEvery)
	defer checks.Stop()
	most := time.After(maxLinger)
	for quiet := 0; quiet < quietChecks; {
		select {
		case <-checks.C:
		case <-most:
			return
		}
		quiet++
		if s.active.Swap(false) {
			quiet = 0
		}
	}
}
