package app

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/backlist/backlist/db"
	"github.com/backlist/backlist/internal/pglocal"
	"github.com/backlist/backlist/internal/relay"
)

// outage is a Postgres server that the test can stop and start, behind an address that does not change.
type outage struct {
	t      *testing.T
	dir    string
	server *pglocal.Server
	relay  *relay.Relay
}

func newOutage(t *testing.T) *outage {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{filepath.Dir(dir), dir} { // as root, Postgres runs as another user, who needs access
		if err := os.Chmod(d, 0o711); err != nil {
			t.Fatal(err)
		}
	}
	o := &outage{t: t, dir: filepath.Join(dir, "pg")}
	o.start()
	t.Cleanup(func() {
		if err := o.server.Stop(); err != nil {
			t.Error(err)
		}
	})
	o.relay = newRelay(t, hostOf(t, o.server.URL()))
	pool := openPool(t, o.server.URL())
	defer pool.Close()
	if err := db.Migrate(t.Context(), pool, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	finished(t, launch(t, o.server.URL(), nil, "seed"))
	return o
}

func (o *outage) start() {
	o.t.Helper()
	var err error
	o.server, err = pglocal.Start(context.WithoutCancel(o.t.Context()), pglocal.Config{Dir: o.dir, Throwaway: true})
	if err != nil {
		o.t.Fatal(err)
	}
}

// begin stops Postgres, in order or at once as in a crash.
func (o *outage) begin(immediate bool) {
	o.t.Helper()
	if immediate {
		text, err := os.ReadFile(filepath.Join(o.dir, "data", "postmaster.pid"))
		if err != nil {
			o.t.Fatal(err)
		}
		pid, err := strconv.Atoi(regexp.MustCompile(`^\d+`).FindString(string(text)))
		if err != nil {
			o.t.Fatal(err)
		}
		if err := syscall.Kill(pid, syscall.SIGQUIT); err != nil {
			o.t.Fatal(err)
		}
	}
	if err := o.server.Stop(); err != nil {
		o.t.Fatal(err)
	}
	o.relay.Down()
}

func (o *outage) end() {
	o.t.Helper()
	o.start()
	o.relay.Aim(hostOf(o.t, o.server.URL()))
	if err := o.relay.Up(); err != nil {
		o.t.Fatal(err)
	}
}

// load requests pages and rates books until it is stopped. It records every answer that is neither good nor a proper 503.
type load struct {
	mu           sync.Mutex
	good, away   int
	wrong        []string
	longest      time.Duration
	back         time.Time // when Postgres took connections again; zero before
	goodSince    int       // good answers to requests that began after back
	refusedSince int       // refusals of such requests
	stop         func()
}

func (l *load) count() (good, away int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.good, l.away
}

// isBack records that Postgres takes connections from now on.
func (l *load) isBack() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.back = time.Now()
	return l.back
}

func underLoad(t *testing.T, callers map[int64]*caller) *load {
	t.Helper()
	l := &load{}
	ctx, cancel := context.WithCancel(t.Context())
	var work sync.WaitGroup
	for _, v := range callers {
		work.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				began := time.Now()
				var a answer
				var err error
				switch i % 4 {
				case 0:
					a, err = v.ask(t.Context(), "/", nil)
				case 1:
					a, err = v.ask(t.Context(), "/books?q=middlemarch", nil)
				case 2:
					a, err = v.ask(t.Context(), "/books/1/rating", fields("stars", "3.5"))
				case 3:
					a, err = v.ask(t.Context(), "/recommendations", nil)
				}
				l.note(a, err, began)
			}
		})
	}
	l.stop = sync.OnceFunc(func() {
		cancel()
		work.Wait()
	})
	t.Cleanup(l.stop)
	return l
}

func (l *load) note(a answer, err error, began time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.longest = max(l.longest, time.Since(began))
	since := !l.back.IsZero() && began.After(l.back)
	switch {
	case err != nil:
		l.wrong = append(l.wrong, err.Error())
	case a.StatusCode == http.StatusOK || a.StatusCode == http.StatusSeeOther:
		l.good++
		if since {
			l.goodSince++
		}
	case isOutagePage(a):
		l.away++
		if since {
			l.refusedSince++
		}
	default:
		l.wrong = append(l.wrong, a.Status+" "+wordsOf(a.body))
	}
}

// isOutagePage reports whether an answer is a 503 with a sentence and a Retry-After.
func isOutagePage(a answer) bool {
	after, err := strconv.Atoi(a.Header.Get("Retry-After"))
	return a.StatusCode == http.StatusServiceUnavailable && err == nil && after > 0 && len(wordsOf(a.body)) > 40
}

// TestPostgresComesAndGoes stops Postgres, in order and by a crash, while pages load, a stream is open and a worker runs
// jobs, and starts it again. The same processes recover by themselves.
func TestPostgresComesAndGoes(t *testing.T) {
	t.Parallel()
	o := newOutage(t)
	databaseURL := o.relay.Through(o.server.URL())
	web := start(t, databaseURL, []string{productionTime + "=yes"}, "web")
	start(t, databaseURL, nil, "worker")
	var callers map[int64]*caller
	var watcher *caller
	func() {
		pool := openPool(t, o.server.URL())
		defer pool.Close()
		callers = newReaders(t, pool, func() string { return web.URL }, 5)
		for id, v := range callers {
			watcher = v
			delete(callers, id)
			break
		}
	}()
	for _, immediate := range []bool{false, true} {
		page := watcher.openStream(t)
		page.next(t)
		l := underLoad(t, callers)
		until(t, "pages load", func() bool { good, _ := l.count(); return good > 40 })
		o.begin(immediate)
		_, before := l.count()
		until(t, "pages report the outage", func() bool { _, away := l.count(); return away > before+40 })
		ready, err := newCaller(web.URL).ask(t.Context(), "/readyz", nil)
		if err != nil || ready.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("readyz: %v, %v", ready.Response, err)
		}
		newCaller(web.URL).must(t, http.StatusOK, "/healthz", nil)

		o.end()
		back := l.isBack()
		pool := openPool(t, o.server.URL())
		took := until(t, "every page loads", func() bool {
			l.mu.Lock()
			defer l.mu.Unlock()
			return l.goodSince > 40
		})
		l.stop()
		if len(l.wrong) > 0 {
			t.Errorf("%d answers were neither good nor a proper 503: %.500s", len(l.wrong), l.wrong[0])
		}
		if l.refusedSince > 0 {
			t.Errorf("%d pages were refused although Postgres was back when they were requested", l.refusedSince)
		}
		// The watcher rates now, and the job of that rating runs. Only the pages promise to recover at once: an outcome that
		// could not be written delays its reader's next job until River's completer retries, some seconds later.
		watcher.must(t, http.StatusSeeOther, "/books/2/rating", fields("stars", map[bool]string{true: "4", false: "5"}[immediate]))
		me := `(select s.reader_id from session s where s.token_hash = sha256(convert_to('` + watcher.cookies["__Host-backlist"] + `', 'UTF8')))`
		eventually(t, pool, "the worker runs jobs again", `select n.ratings_version = r.ratings_version
			from reader r join recommendation_run n on n.reader_id = r.id where r.id = `+me)
		worked := time.Since(back)
		page.next(t)
		t.Logf("immediate %t: %d good, %d away; pages back after %s, worker %s, the open page told after %s; longest answer %s",
			immediate, l.good, l.away, took, worked, time.Since(back), l.longest)
		again := watcher.openStream(t)
		again.next(t)
		pool.Close()
	}
	if regexp.MustCompile(`status=500`).MatchString(web.output()) {
		t.Error("the log has a 500")
	}
	// Jobs that failed in an outage are retried after River's second; any process makes them due.
	eventually(t, openPool(t, o.server.URL()), "every reader has a list that includes the last rating", `
		select bool_and(n.ratings_version is not distinct from r.ratings_version)
		from reader r left join recommendation_run n on n.reader_id = r.id where r.ratings_version > 0`)
}

// TestPostgresFallsSilent: the network swallows everything that is sent to Postgres. Pages report the outage within their
// time limit, and load again afterwards.
func TestPostgresFallsSilent(t *testing.T) {
	t.Parallel()
	o := newOutage(t)
	web := start(t, o.relay.Through(o.server.URL()), []string{productionTime + "=yes"}, "web")
	v := newCaller(web.URL)
	v.must(t, http.StatusOK, "/books/1", nil)
	o.relay.Hush()
	var all sync.WaitGroup
	for range 8 { // more than the pool has connections
		all.Go(func() {
			v := newCaller(web.URL)
			v.client.Timeout = 30 * time.Second // the limit of a platform's router
			a, err := v.ask(t.Context(), "/books/1", nil)
			if err != nil || !isOutagePage(a) {
				t.Errorf("%v, %v", a.Response, err)
			}
		})
	}
	all.Wait()
	o.relay.Flow()
	took := until(t, "pages load again", func() bool {
		a, err := v.ask(t.Context(), "/books/1", nil)
		return err == nil && a.StatusCode == http.StatusOK
	})
	t.Logf("back after %s", took)
}
