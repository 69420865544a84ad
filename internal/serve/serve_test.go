package serve

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener with connections in memory, which allows tests with a synthetic clock.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func listen() *pipes { return &pipes{conns: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	close(p.closed)
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// router is one kept-alive connection of a router.
type router struct {
	net.Conn
	answers *bufio.Reader
}

func (p *pipes) dial() (*router, error) {
	here, there := net.Pipe()
	select {
	case p.conns <- there:
		return &router{here, bufio.NewReader(here)}, nil
	case <-p.closed:
		return nil, errors.New("connection refused")
	}
}

// ask sends a request and returns whether the response closes the connection.
func (r *router) ask(path string) (closed bool, err error) {
	if _, err := io.WriteString(r, "GET "+path+" HTTP/1.1\r\nHost: example.org\r\n\r\n"); err != nil {
		return false, err
	}
	res, err := http.ReadResponse(r.answers, nil)
	if err != nil {
		return false, err
	}
	_, err = io.Copy(io.Discard, res.Body)
	return res.Close, err
}

// run starts a server whose path /slow takes the time slow. stop tells it to stop, and returns when the stop has begun;
// ended returns how long after that Run returned, and its error.
func run(t *testing.T, p *pipes, slow time.Duration, routed bool) (stop func(), ended func() (took time.Duration, err error)) {
	handler := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			time.Sleep(slow)
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	began, done := make(chan time.Time, 1), make(chan error, 1)
	s := &Server{HTTP: &http.Server{Handler: handler}, Routed: routed, Stopping: func() { began <- time.Now() }}
	go func() { done <- s.Run(ctx, p) }()
	var at time.Time
	return func() {
			cancel()
			at = <-began
		}, func() (time.Duration, error) {
			err := <-done
			return time.Since(at), err
		}
}

// TestRequestsOnTheirWay: requests that a router sends after the stop has begun are answered on kept-alive connections,
// on connections without a request so far, and on new ones. The response closes each connection, and the server ends
// when the router is silent.
func TestRequestsOnTheirWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := listen()
		stop, ended := run(t, p, 0, true)
		var kept []*router
		for range 3 {
			r, err := p.dial()
			if err != nil {
				t.Fatal(err)
			}
			kept = append(kept, r)
		}
		for _, r := range kept[:2] {
			if closed, err := r.ask("/"); closed || err != nil {
				t.Fatalf("before the stop: closed %t, %v", closed, err)
			}
		}
		stop()
		for _, r := range kept {
			if closed, err := r.ask("/"); !closed || err != nil {
				t.Errorf("a request on a connection from before the stop: closed %t, %v", closed, err)
			}
			time.Sleep(400 * time.Millisecond) // the router learns of the stop later
		}
		r, err := p.dial()
		if err != nil {
			t.Fatal("a new connection: ", err)
		}
		if closed, err := r.ask("/"); !closed || err != nil {
			t.Errorf("a request on a new connection: closed %t, %v", closed, err)
		}
		if took, err := ended(); err != nil || took < 1700*time.Millisecond || took > 2*time.Second {
			t.Errorf("ended with %v, %s after the stop began and 1.2 s before the last request", err, took)
		}
		if _, err := p.dial(); err == nil {
			t.Error("the server accepts connections after its end")
		}
	})
}

// TestRouterThatNeverLearns: a router that ignores the stop cannot prevent it, and its accepted requests are answered.
func TestRouterThatNeverLearns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := listen()
		stop, ended := run(t, p, 0, true)
		stop()
		for {
			r, err := p.dial()
			if err != nil {
				break // refused: the router would try another process
			}
			if _, err := r.ask("/"); err != nil {
				t.Errorf("a request on an accepted connection: %v", err)
			}
			time.Sleep(70 * time.Millisecond) // not a divisor of the limit: at the same moment either may be first
		}
		if took, err := ended(); err != nil || took > maxLinger+time.Second {
			t.Errorf("ended with %v, %s after the stop began", err, took)
		}
	})
}

// TestRequestsInFlight: requests may take until Grace; a longer one is reported.
func TestRequestsInFlight(t *testing.T) {
	t.Parallel()
	for _, routed := range []bool{true, false} {
		for slow, fits := range map[time.Duration]bool{Grace - 2*time.Second: true, Grace + time.Second: false} {
			synctest.Test(t, func(t *testing.T) {
				p := listen()
				stop, ended := run(t, p, slow, routed)
				r, err := p.dial()
				if err != nil {
					t.Fatal(err)
				}
				answered := make(chan error, 1)
				go func() {
					_, err := r.ask("/slow")
					answered <- err
				}()
				synctest.Wait()
				stop()
				took, err := ended()
				if (err == nil) != fits || took > Grace {
					t.Errorf("routed %t, a request of %s: ended with %v after %s", routed, slow, err, took)
				}
				if err := <-answered; fits && err != nil {
					t.Errorf("routed %t, a request of %s: %v", routed, slow, err)
				}
			})
		}
	}
}

// TestNoRouter: without a router, as in dev, the server ends at once.
func TestNoRouter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := listen()
		stop, ended := run(t, p, 0, false)
		r, err := p.dial()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.ask("/"); err != nil {
			t.Fatal(err)
		}
		stop()
		if took, err := ended(); err != nil || took > 100*time.Millisecond {
			t.Errorf("ended with %v after %s", err, took)
		}
	})
}
