package drill

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// TestBalancer: the balancer keeps connections alive, tries another process if one refuses, and reports requests that
// are lost on a connection.
func TestBalancer(t *testing.T) {
	t.Parallel()
	s := &stage{result: &Result{}}
	t.Cleanup(s.close)
	b, err := s.balance()
	if err != nil {
		t.Fatal(err)
	}
	var conns, requests atomic.Int32
	var cut atomic.Bool
	web := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		requests.Add(1)
		if cut.Load() {
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	web.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			conns.Add(1)
		}
	}
	web.Start()
	t.Cleanup(web.Close)
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone.Close()
	b.add(gone.Addr().String()) // a process that has ended
	b.add(web.Listener.Addr().String())
	client := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(client.CloseIdleConnections)
	for range 4 {
		if err := ask(client, b.addr, Step{}); err != nil {
			t.Fatal(err)
		}
	}
	if conns.Load() != 1 {
		t.Errorf("%d connections for four consecutive requests", conns.Load())
	}
	cut.Store(true)
	if err := ask(client, b.addr, Step{}); err == nil || !strings.Contains(err.Error(), "502") {
		t.Errorf("a lost request: %v", err)
	}
	if requests.Load() != 5 {
		t.Errorf("%d requests arrived instead of five", requests.Load())
	}
}
