package app

import (
	"bufio"
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/backlist/backlist/internal/testdb"
)

// stopLimit is how long a process may take to stop: a platform kills it after 30 s, and we keep two to spare.
const stopLimit = 28 * time.Second

// stream is the event stream of an open page.
type stream struct {
	events chan string   // the first line of each
	ended  chan struct{} // closed when the server has ended the stream
}

// openStream opens the event stream of the recommendations page.
func (v *caller) openStream(t *testing.T) *stream {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, v.base()+"/recommendations/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header, req.Host = v.header.Clone(), v.host
	for name, value := range v.cookies {
		req.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	client := *v.client
	client.Timeout = 0
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != http.StatusOK || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		t.Fatalf("the stream: %s %s", res.Status, res.Header.Get("Content-Type"))
	}
	s := &stream{events: make(chan string, 1000), ended: make(chan struct{})}
	go func() {
		defer close(s.ended)
		defer res.Body.Close()
		scanner := bufio.NewScanner(res.Body)
		scanner.Buffer(nil, 1<<20)
		for first := true; scanner.Scan(); {
			if first && scanner.Text() != "" && !strings.HasPrefix(scanner.Text(), ":") {
				s.events <- scanner.Text()
			}
			first = scanner.Text() == ""
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-s.ended
	})
	return s
}

// next waits for an event.
func (s *stream) next(t *testing.T) {
	t.Helper()
	select {
	case <-s.events:
	case <-s.ended:
		t.Fatal("the stream has ended")
	case <-time.After(patience):
		t.Fatalf("no event within %s", patience)
	}
}

// TestWebStops: a stopping web process answers requests in flight, ends streams at once and refuses new connections.
// Further signals change nothing.
func TestWebStops(t *testing.T) {
	t.Parallel()
	databaseURL := testdb.NewURL(t)
	pool := catalogued(t, databaseURL)
	web := start(t, databaseURL, nil, "web")
	var odo, ada *caller
	for _, v := range newReaders(t, pool, func() string { return web.URL }, 2) {
		odo, ada = v, odo
	}
	page := ada.openStream(t)
	page.next(t)
	release := holding(t, databaseURL, "select from reader for update")
	var inFlight answer
	var err error
	var asked sync.WaitGroup
	asked.Go(func() { inFlight, err = odo.ask(t.Context(), "/books/1/rating", fields("stars", "3.5")) })
	eventually(t, pool, "the rating waits", "select ("+waiters+") = 1")

	web.tell(syscall.SIGTERM)
	web.waitFor(regexp.MustCompile(`web is stopping`))
	select {
	case <-page.ended:
	case <-time.After(patience):
		t.Fatal("the stream goes on after SIGTERM")
	}
	web.tell(syscall.SIGTERM)
	until(t, "new connections are refused", func() bool {
		_, err := newCaller(web.URL).ask(t.Context(), "/healthz", nil)
		return err != nil
	})
	web.tell(syscall.SIGTERM)
	select {
	case <-web.done:
		t.Error("the process ended while a request was in flight")
	default:
	}
	release()
	asked.Wait()
	if err != nil || inFlight.StatusCode != http.StatusSeeOther {
		t.Errorf("the request in flight got %v, %v", inFlight.Response, err)
	}
	t.Logf("ended %s after the last answer", web.exits())
	if n := valueOf[int](t, pool, "select count(*) from rating"); n != 1 {
		t.Errorf("%d ratings were stored", n)
	}
}

// TestWorkerStops: a stopping worker stops fetching jobs, finishes the running ones, and exits.
func TestWorkerStops(t *testing.T) {
	t.Parallel()
	databaseURL := testdb.NewURL(t)
	pool := catalogued(t, databaseURL)
	web := start(t, databaseURL, nil, "web")
	callers := newReaders(t, pool, func() string { return web.URL }, 2)
	var release func()
	var held, other int64
	for id, v := range callers {
		if held == 0 {
			held = id
			v.must(t, http.StatusSeeOther, "/books/1/rating", fields("stars", "4"))
			release = holding(t, databaseURL, "select from reader where id = $1 for update", id)
		} else {
			other = id
		}
	}
	worker := start(t, databaseURL, nil, "worker")
	const state = `select state || ' ' || attempt from jobs.job where kind = 'recommend_reader' and (args ->> 'reader_id')::bigint = $1`
	eventually(t, pool, "the job waits for its reader, and no other job runs",
		"select ("+waiters+") = 1 and (select count(*) from jobs.job where state = 'running') = 1")
	worker.tell(syscall.SIGTERM)
	worker.waitFor(regexp.MustCompile(`worker is stopping`))
	callers[other].must(t, http.StatusSeeOther, "/books/1/rating", fields("stars", "4"))
	worker.tell(syscall.SIGTERM)
	worker.tell(syscall.SIGTERM)
	select {
	case <-worker.done:
		t.Error("the process ended while a job ran")
	default:
	}
	release()
	t.Logf("ended %s after the job could continue", worker.exits())
	if s := valueOf[string](t, pool, state, held); s != "completed 1" {
		t.Errorf("the job that ran is %s", s)
	}
	if s := valueOf[string](t, pool, state, other); s != "available 0" {
		t.Errorf("the job that came after the signal is %s", s)
	}
}

// TestWorkerHandsBack: jobs that do not end in time are handed back without spending an attempt, and a letter that is being
// sent when the time is over is neither lost nor sent twice. The test takes the 20 s that running jobs are given.
func TestWorkerHandsBack(t *testing.T) {
	t.Parallel()
	databaseURL := testdb.NewURL(t)
	pool := catalogued(t, databaseURL)
	_, smtp := faultSink(t, time.Hour)
	web := start(t, databaseURL, nil, "web")
	odo := newCaller(web.URL)
	odo.signUp(t, "Odo", "odo@example.org")
	odo.must(t, http.StatusSeeOther, "/books/1/rating", fields("stars", "4"))
	release := holding(t, databaseURL, "lock table recommendation in access exclusive mode")
	worker := start(t, databaseURL, []string{"SMTP_URL=" + smtp}, "worker")
	eventually(t, pool, "both jobs are running", "select ("+waiters+") >= 1 and (select state = 'sending' from message where kind = 'welcome')")
	began := time.Now()
	for range 3 {
		worker.tell(syscall.SIGTERM)
	}
	worker.exits()
	t.Logf("ended %s after SIGTERM", time.Since(began).Round(10*time.Millisecond))
	release()
	const state = `select state || ' ' || attempt from jobs.job where kind = $1`
	if s := valueOf[string](t, pool, state, "recommend_reader"); s != "available 0" {
		t.Errorf("the list's job is %s, not handed back", s)
	}
	if s := valueOf[string](t, pool, "select state from message where kind = 'welcome'"); s != "unconfirmed" && s != "queued" {
		t.Errorf("the letter is %s", s)
	}
	start(t, databaseURL, nil, "worker")
	eventually(t, pool, "the next worker finishes it", "select state = 'completed' and attempt = 1 from jobs.job where kind = 'recommend_reader'")
}

// TestRollingRestart: no request fails while web processes are replaced three times under load. Each new process is ready
// before the old one is told to stop.
func TestRollingRestart(t *testing.T) {
	t.Parallel()
	const clients, restarts = 6, 3
	databaseURL := testdb.NewURL(t)
	pool := catalogued(t, databaseURL)
	web := start(t, databaseURL, nil, "web")
	balancer := newRelay(t, hostOf(t, web.URL))
	base := "http://" + balancer.Addr()
	var (
		served atomic.Int64
		work   sync.WaitGroup
	)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	n := 0
	for _, v := range newReaders(t, pool, func() string { return base }, clients) {
		if n++; n%2 == 0 { // half of them keep their connections, as browsers do
			v.client = &http.Client{CheckRedirect: v.client.CheckRedirect, Transport: &http.Transport{}}
		}
		work.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				path, form, want := "/books/1", url.Values(nil), http.StatusOK
				if i%2 == 1 {
					path, form, want = "/books/1/rating", fields("stars", "3.5"), http.StatusSeeOther
				}
				a, err := v.ask(t.Context(), path, form)
				if err != nil || a.StatusCode != want {
					t.Errorf("%s: %v, %v", path, a.Response, err)
					return
				}
				served.Add(1)
			}
		})
	}
	for range restarts {
		next := start(t, databaseURL, nil, "web")
		before := served.Load()
		until(t, "the old process is busy", func() bool { return served.Load() > before+20 })
		balancer.Aim(hostOf(t, next.URL))
		web.tell(syscall.SIGTERM)
		web.exits()
		web = next
	}
	before := served.Load()
	until(t, "the last process serves", func() bool { return served.Load() > before+20 })
	stop()
	work.Wait()
	t.Logf("%d requests over %d restarts", served.Load(), restarts)
}
