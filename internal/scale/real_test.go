package scale_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"

	"github.com/backlist/backlist/db"
	"github.com/backlist/backlist/internal/formation"
	"github.com/backlist/backlist/internal/postgres"
	"github.com/backlist/backlist/internal/scale"
	"github.com/backlist/backlist/internal/scale/heroku"
	"github.com/backlist/backlist/internal/testdb"
	"github.com/backlist/backlist/internal/work"
)

// asWorker is set in the processes that a test starts: this test program is a worker then, of the database that it names.
const asWorker = "BACKLIST_TEST_SCALE"

func TestMain(m *testing.M) {
	if url := os.Getenv(asWorker); url != "" {
		if err := napping(url); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	testdb.Main(m)
}

// nap is a job that takes its time.
type nap struct {
	MS int `json:"ms"`
}

func (nap) Kind() string { return "nap" }

type napWorker struct{ river.WorkerDefaults[nap] }

func (*napWorker) Work(ctx context.Context, job *river.Job[nap]) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Duration(job.Args.MS) * time.Millisecond):
		return nil
	}
}

// napping is a worker process, one job at a time.
func napping(url string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	ctx, cancel := formation.Attached(ctx, os.Stdin)
	defer cancel()
	return work.Run(ctx, work.Process{
		URL: url, Share: postgres.Share{Size: 2}, Options: work.Options{
			Queues: map[string]int{"default": 1}, Schema: db.RiverSchema, Process: os.Getenv("DYNO"), Release: "v1", Log: slog.New(slog.DiscardHandler),
		},
		Jobs: func(*pgxpool.Pool) (*work.Workers, error) {
			w := work.NewWorkers()
			work.AddWorker(w, &napWorker{})
			return w, nil
		},
	})
}

// herokuLike is a Platform API whose dynos are processes on this machine: they get SIGTERM, and SIGKILL soon after.
type herokuLike struct {
	processes *formation.Local
	loses     atomic.Bool // the answer to the next change
}

func (h *herokuLike) quantity() int {
	f, _ := scale.Local{Processes: h.processes}.Read(context.Background(), true)
	return f.Quantity
}

func (h *herokuLike) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/apps/books" {
		fmt.Fprint(w, `{"name": "books"}`)
		return
	}
	if r.Method == http.MethodPatch {
		var body struct{ Updates []struct{ Quantity int } }
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil || len(body.Updates) != 1 {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		ended, cancel := context.WithCancel(r.Context())
		cancel() // as the platform, answer before surplus processes have ended
		if err := h.processes.Scale(ended, body.Updates[0].Quantity); err != nil && ended.Err() == nil {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		if h.loses.Swap(false) {
			panic(http.ErrAbortHandler)
		}
	}
	fmt.Fprintf(w, `[{"type": "worker", "quantity": %d, "size": "Standard-1X"}]`, h.quantity())
}

// TestRealWorkers: a load comes and goes, an answer of the platform is lost, and the deciding process dies between a drain and the
// removal. All jobs run exactly once, on real worker processes that come and go.
func TestRealWorkers(t *testing.T) {
	t.Parallel()
	url := testdb.NewURL(t)
	pool, err := pgxpool.New(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &platform{t: t, db: pool}
	h := &herokuLike{processes: formation.NewLocal(formation.Config{
		Type: "worker", Program: []string{self}, Env: []string{asWorker + "=" + url}, Output: t.Output(), Log: slog.New(slog.DiscardHandler), Grace: 300 * time.Millisecond,
	})}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan struct{})
	go func() {
		h.processes.Run(ctx)
		close(ended)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	if err := h.processes.Scale(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	p.until("the first worker", `select count(*) from jobs.worker where alive`, "1", func() {})
	p.do(`select jobs.set_scale('worker', '2 s', 1, 3), jobs.set_scale_mode('worker', 'on')`)
	loop := func() *scale.Loop {
		return scale.New(scale.Config{
			DB: pool, Schema: db.RiverSchema, Process: "web.1", Formation: heroku.New(server.URL, "books", "token").Formation, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		})
	}
	first, second := loop(), loop()

	p.do(`select jobs.enqueue('nap', '{"ms": 20}') from generate_series(1, 200)`)
	h.loses.Store(true)
	p.until("three workers", `select count(*) from jobs.worker where alive`, "3", func() { p.look(first) })
	if h.loses.Load() {
		t.Error("the platform was not asked")
	}
	p.do(`select jobs.enqueue('nap', '{"ms": 1500}') from generate_series(1, 5)`) // some run on the workers that are to be removed
	p.until("the short jobs", `select count(*) filter (where state <> 'completed') <= 3 from jobs.job`, "true", func() { p.look(first) })
	p.until("a drain", `select exists (select from work.scale_drain)`, "true", func() {
		p.forget()
		p.look(first)
	})
	p.do(`update work.scale_state set lease_until = now()`) // as 15 s after the first process was killed
	p.until("one worker", `select count(*) from jobs.worker where alive`, "1", func() {
		p.forget()
		p.look(second)
	})
	p.until("all jobs", `select count(*) filter (where state <> 'completed') from jobs.job`, "0", func() {})
	p.expect("each ran once", `select count(*), count(*) filter (where attempt <> 1 or errors is not null) as again from river.river_job`, "205 0")
	p.expect("nothing was taken for a change by hand", `select count(*) from jobs.scale_decision where code in ('manual', 'paused')`, "0")
}

// forget makes the planner remember no load.
func (p *platform) forget() {
	p.t.Helper()
	p.do(`update work.scale_state set state = state - '{peaks,grown_at,shrunk_at,kinds,arrivals}'::text[]`)
}

// until repeats an action until a query answers as wanted.
func (p *platform) until(what, sql, want string, again func()) {
	p.t.Helper()
	for deadline := time.Now().Add(90 * time.Second); p.ask(sql) != want; {
		if time.Now().After(deadline) {
			p.t.Fatalf("%s: not within 90 s: %s; the latest decision: %s", what, p.ask(sql), p.ask(`select code, sentence, answer from jobs.scale_decision order by id desc limit 1`))
		}
		again()
		time.Sleep(50 * time.Millisecond) // between two looks
	}
}
