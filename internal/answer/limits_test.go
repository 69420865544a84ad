package answer

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
)

// TestBodyLimit: each route reads bodies up to its own limit, and answers larger ones with 413.
func TestBodyLimit(t *testing.T) {
	t.Parallel()
	p, _ := newPages()
	form := func(w http.ResponseWriter, r *http.Request) error { return ParseForm(r) }
	file := func(_ http.ResponseWriter, r *http.Request) error { _, err := io.ReadAll(r.Body); return err }
	for _, tc := range []struct {
		handler Handler
		limit   int64
		body    string
		want    int
	}{
		{form, 100, "stars=4", 200},
		{form, 100, strings.Repeat("x", 101), 413},
		{form, 100, "stars=%zz", 400},
		{file, 1000, strings.Repeat("x", 1000), 200},
		{file, 1000, strings.Repeat("x", 1001), 413},
		{file, 0, "x", 413},
	} {
		if w := ask(p.Within(Limits{Time: time.Minute, Body: tc.limit}, tc.handler), tc.body); w.Code != tc.want {
			t.Errorf("%d bytes of %d: %d %s, want %d", len(tc.body), tc.limit, w.Code, w.Body, tc.want)
		}
	}
}

// TestTimeLimit: Begin and the handler share the route's time; a stream has no limit.
func TestTimeLimit(t *testing.T) {
	t.Parallel()
	p, _ := newPages()
	for _, limit := range []time.Duration{0, time.Minute, time.Hour} {
		var left time.Duration
		ask(p.Within(Limits{Time: limit}, func(_ http.ResponseWriter, r *http.Request) error {
			if end, ok := r.Context().Deadline(); ok {
				left = time.Until(end)
			}
			return nil
		}), "")
		if left > limit || left < limit-30*time.Second {
			t.Errorf("%v are left of %v", left, limit)
		}
	}
	// A request whose time is over still gets a page.
	w := ask(p.Within(Limits{Time: time.Nanosecond}, func(_ http.ResponseWriter, r *http.Request) error {
		<-r.Context().Done()
		return r.Context().Err()
	}), "")
	if w.Code != http.StatusServiceUnavailable || w.Body.Len() == 0 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// connection records its deadlines.
type connection struct {
	*httptest.ResponseRecorder
	read, write time.Time
}

func (c *connection) SetReadDeadline(t time.Time) error  { c.read = t; return nil }
func (c *connection) SetWriteDeadline(t time.Time) error { c.write = t; return nil }

// TestLongRoutesExtendTheConnection: long routes extend the server's own timeouts, which would end them; others do not.
func TestLongRoutesExtendTheConnection(t *testing.T) {
	t.Parallel()
	p, _ := newPages()
	server := &http.Server{ReadTimeout: 20 * time.Second, WriteTimeout: 25 * time.Second}
	for limit, extended := range map[time.Duration]bool{10 * time.Second: false, 18 * time.Second: true, 10 * time.Minute: true, 0: false} {
		r := httptest.NewRequestWithContext(context.WithValue(t.Context(), http.ServerContextKey, server), http.MethodGet, "/", nil)
		c := &connection{ResponseRecorder: httptest.NewRecorder()}
		start := time.Now()
		p.Within(Limits{Time: limit}, failing(nil)).ServeHTTP(c, r)
		if !extended && (!c.read.IsZero() || !c.write.IsZero()) {
			t.Errorf("%v: deadlines %v and %v", limit, c.read, c.write)
		}
		if extended && (c.read.Before(start.Add(limit)) || c.write.Before(start.Add(limit))) {
			t.Errorf("%v: the deadlines are in %v and %v", limit, c.read.Sub(start), c.write.Sub(start))
		}
	}
}

// TestLongRoutesExtendARealConnection: the same works through a router's middleware, which wraps the response.
func TestLongRoutesExtendARealConnection(t *testing.T) {
	t.Parallel()
	p, log := newPages()
	r := chi.NewRouter()
	r.Use(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(middleware.NewWrapResponseWriter(w, r.ProtoMajor), r)
		})
	}, middleware.Compress(5))
	r.Get("/", p.Within(Limits{Time: time.Hour}, failing(nil)))
	server := httptest.NewUnstartedServer(r)
	server.Config.ReadTimeout, server.Config.WriteTimeout = time.Minute, time.Minute
	server.Start()
	defer server.Close()
	res, err := server.Client().Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("%d: %s", res.StatusCode, log)
	}
}
