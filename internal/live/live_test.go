package live

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }

func newHub(t *testing.T) *Hub {
	t.Helper()
	return NewHub(slog.New(slog.NewTextHandler(t.Output(), nil)))
}

// told waits for a notice of the subscription.
func told(t *testing.T, s *Subscription) {
	t.Helper()
	select {
	case <-s.changed:
	case <-time.After(time.Minute):
		t.Fatalf("%s has no notice after a minute", s.topic)
	}
}

// TestTopics: a notice reaches only the streams of its topic, and any number of unread notices count as one.
func TestTopics(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	a, b, other := h.Subscribe("jobs", 2), h.Subscribe("jobs", 2), h.Subscribe("workers", 2)
	for range 3 {
		h.Tell("jobs")
	}
	if len(a.changed) != 1 || len(b.changed) != 1 || len(other.changed) != 0 {
		t.Errorf("%d, %d and %d notices", len(a.changed), len(b.changed), len(other.changed))
	}
	h.TellAll()
	if len(other.changed) != 1 {
		t.Error("not every stream got a notice")
	}
}

// TestSubscriptionsAreBounded: each topic has a limit of streams, and a closed stream makes room.
func TestSubscriptionsAreBounded(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	a := h.Subscribe("jobs", 1)
	if h.Subscribe("jobs", 1) != nil || h.Subscribe("workers", 1) == nil {
		t.Error("the bound is not that of the topic")
	}
	a.Close()
	if len(h.topics) != 1 || h.Subscribe("jobs", 1) == nil {
		t.Error("a closed subscription keeps its place")
	}
}

// TestListen: one connection receives the notices of several channels and skips unreadable ones. After a lost connection
// every stream gets a notice, because it may have missed one.
func TestListen(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	cfg := pool.Config().ConnConfig.Copy()
	cfg.RuntimeParams["application_name"] = "the listener"
	h := newHub(t)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		h.Listen(ctx, cfg, Channel{"reader", plain}, Channel{"Jobs of all", plain})
	}()
	first := waitForListener(t, pool, 0)

	a, b := h.Subscribe("reader 1", 1), h.Subscribe("job 2", 1)
	notify(t, pool, "reader", "unreadable")
	notify(t, pool, "reader", "reader 1")
	notify(t, pool, "Jobs of all", "job 2")
	told(t, a)
	told(t, b)

	if _, err := pool.Exec(t.Context(), "select pg_terminate_backend($1)", first); err != nil {
		t.Fatal(err)
	}
	told(t, a)
	told(t, b)
	waitForListener(t, pool, first)
	notify(t, pool, "reader", "reader 1")
	told(t, a)
	stop()
	<-ended
}

// plain takes the payload as the topic.
func plain(payload string) (string, error) {
	if payload == "unreadable" {
		return "", errors.New("not a topic")
	}
	return payload, nil
}

// waitForListener waits until a connection listens whose process id is not gone, and returns its process id.
func waitForListener(t *testing.T, pool *pgxpool.Pool, gone int) (pid int) {
	t.Helper()
	for start := time.Now(); time.Since(start) < time.Minute; time.Sleep(10 * time.Millisecond) { // between two looks
		err := pool.QueryRow(t.Context(), `select pid from pg_stat_activity where application_name = 'the listener' and pid <> $1
			and datname = current_database() and query like 'listen%' and state = 'idle'`, gone).Scan(&pid)
		if err == nil {
			return pid
		}
	}
	t.Fatal("nothing listens after a minute")
	return 0
}

func notify(t *testing.T, pool *pgxpool.Pool, channel, payload string) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), "select pg_notify($1, $2)", channel, payload); err != nil {
		t.Fatal(err)
	}
}

// stream serves p over HTTP and returns what a browser reads of it, event by event.
func stream(t *testing.T, h *Hub, p Page) (event func() string, ended <-chan error) {
	t.Helper()
	end := make(chan error, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := h.Subscribe("jobs", 1)
		defer s.Close()
		end <- s.Stream(w, r, p)
	}))
	t.Cleanup(server.Close)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	if res.Header.Get("Content-Type") != "text/event-stream" || res.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("headers %v", res.Header)
	}
	return func() string {
		var text strings.Builder
		one := make([]byte, 1)
		for !strings.HasSuffix(text.String(), "\n\n") {
			if _, err := io.ReadFull(res.Body, one); err != nil {
				t.Fatal(err)
			}
			text.Write(one)
		}
		return text.String()
	}, end
}

// TestStream: the page is sent at once and at each notice, line by line, until the hub closes.
func TestStream(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	n := 0
	event, ended := stream(t, h, Page{
		Allowed: func(context.Context) error { return nil },
		Now: func(context.Context) (templ.Component, error) {
			n++
			return templ.Raw(fmt.Sprintf("<p>\r\n%d</p>\n", n)), nil
		},
	})
	for i := 1; i <= 3; i++ {
		if got, want := event(), fmt.Sprintf("data: <p>\ndata: %d</p>\n\n", i); got != want {
			t.Fatalf("event %q, want %q", got, want)
		}
		h.Tell("jobs")
	}
	h.Close()
	h.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestStreamEndsWhereItIsNotAllowed: Allowed is called before each event but the first.
func TestStreamEndsWhereItIsNotAllowed(t *testing.T) {
	t.Parallel()
	h, no := newHub(t), errors.New("signed out")
	event, ended := stream(t, h, Page{
		Allowed: func(context.Context) error { return no },
		Now:     func(context.Context) (templ.Component, error) { return templ.Raw("secret"), nil },
	})
	event()
	h.Tell("jobs")
	if err := <-ended; !errors.Is(err, no) {
		t.Errorf("it ended with %v", err)
	}
}

// TestStreamEndsWithAnError: an error of the page, in its queries or its rendering, ends the stream.
func TestStreamEndsWithAnError(t *testing.T) {
	t.Parallel()
	ouch := errors.New("ouch")
	for name, now := range map[string]func(context.Context) (templ.Component, error){
		"queries": func(context.Context) (templ.Component, error) { return nil, ouch },
		"rendering": func(context.Context) (templ.Component, error) {
			return templ.ComponentFunc(func(context.Context, io.Writer) error { return ouch }), nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, ended := stream(t, newHub(t), Page{Now: now})
			if err := <-ended; !errors.Is(err, ouch) {
				t.Errorf("it ended with %v", err)
			}
		})
	}
}
