package work_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertest"
	"github.com/riverqueue/river/rivertype"

	"github.com/backlist/backlist/internal/testdb"
	"github.com/backlist/backlist/internal/work"
	"github.com/backlist/backlist/internal/work/pilot"
	"github.com/backlist/backlist/internal/work/worktest"
)

type stepArgs struct {
	N int `json:"n"`
}

func (stepArgs) Kind() string { return "test_step" }

type stepJob = river.Job[stepArgs]

// stepWorker runs a function of the test.
type stepWorker struct {
	river.WorkerDefaults[stepArgs]
	work func(ctx context.Context, job *river.Job[stepArgs]) error
}

func (w *stepWorker) Work(ctx context.Context, job *river.Job[stepArgs]) error {
	return w.work(ctx, job)
}

func options(t *testing.T, do func(ctx context.Context, job *river.Job[stepArgs]) error) work.Options {
	t.Helper()
	o := optionsOf(nil, do)
	o.Log = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	return o
}

func optionsOf(log *slog.Logger, do func(ctx context.Context, job *river.Job[stepArgs]) error) work.Options {
	workers := work.NewWorkers()
	work.AddWorker(workers, &stepWorker{work: do})
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return work.Options{
		Workers: workers, Queues: map[string]int{"default": 10}, Schema: "river", Process: "worker.1", Release: "v7", Log: log,
	}
}

// running starts a worker on a database of the test's own.
func running(t *testing.T, pool *pgxpool.Pool, do func(ctx context.Context, job *river.Job[stepArgs]) error) *work.Worker {
	t.Helper()
	w, _ := worktest.Start(t, pool, options(t, do))
	return w
}

func inserter(t *testing.T, pool *pgxpool.Pool) *work.Client {
	t.Helper()
	client, err := work.NewInserter(pool, options(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// finishIn works one job inside the test's transaction.
func finishIn(t *testing.T, tx pgx.Tx, do func(ctx context.Context, job *river.Job[stepArgs]) error) (*rivertest.WorkResult, error) {
	t.Helper()
	cfg := &river.Config{Schema: "river"}
	w := rivertest.NewWorker(t, pilot.NewDriver(nil), cfg, &stepWorker{work: do})
	return w.Work(t.Context(), t, tx, stepArgs{}, nil)
}

func TestFinishCompletesWithItsEffects(t *testing.T) {
	t.Parallel()
	tx := testdb.Tx(t)
	res, err := finishIn(t, tx, func(ctx context.Context, job *river.Job[stepArgs]) error {
		return work.Finish(ctx, tx, job, func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, "insert into subject (key, name) values ('effect', '')")
			return err
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	if res.Job.State != rivertype.JobStateCompleted {
		t.Errorf("the job is %s", res.Job.State)
	}
	if n := count(t, tx, "select count(*) from subject where key = 'effect'"); n != 1 {
		t.Errorf("%d effects", n)
	}
}

func TestFinishKeepsNothingOfAFailure(t *testing.T) {
	t.Parallel()
	tx := testdb.Tx(t)
	boom := errors.New("boom")
	var state string
	_, err := finishIn(t, tx, func(ctx context.Context, job *river.Job[stepArgs]) error {
		err := work.Finish(ctx, tx, job, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, "insert into subject (key, name) values ('effect', '')"); err != nil {
				return err
			}
			return boom
		})
		if err := tx.QueryRow(ctx, "select state from river.river_job where id = $1", job.ID).Scan(&state); err != nil {
			t.Error(err)
		}
		return err
	})
	if !errors.Is(err, boom) {
		t.Fatalf("%v, want boom", err)
	}
	if state != "running" {
		t.Errorf("after the failure the job was %s, not running", state)
	}
	if n := count(t, tx, "select count(*) from subject where key = 'effect'"); n != 0 {
		t.Errorf("%d effects", n)
	}
}

// TestFence: an attempt whose job was rescued, cancelled or deleted writes nothing.
func TestFence(t *testing.T) {
	t.Parallel()
	for name, meanwhile := range map[string]string{
		"another attempt runs":  "update river.river_job set attempt = attempt + 1 where id = $1",
		"another worker has it": "update river.river_job set attempted_by = array_append(attempted_by, 'someone else') where id = $1",
		"it was handed back":    "update river.river_job set state = 'available' where id = $1",
		"it was cancelled":      "update river.river_job set state = 'cancelled', finalized_at = now() where id = $1",
	} {
		for _, hold := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				tx := testdb.Tx(t)
				var err error
				_, _ = finishIn(t, tx, func(ctx context.Context, job *river.Job[stepArgs]) error {
					if _, err := tx.Exec(ctx, meanwhile, job.ID); err != nil {
						t.Fatal(err)
					}
					end := work.Finish[stepArgs]
					if hold {
						end = work.Hold[stepArgs]
					}
					err = end(ctx, tx, job, func(pgx.Tx) error {
						t.Error("the effects ran")
						return nil
					})
					return err
				})
				if !errors.Is(err, work.ErrLost) {
					t.Errorf("%v, want ErrLost", err)
				}
			})
		}
	}
}

// TestEnqueueIsAtomic: an error after both writes leaves neither row.
func TestEnqueueIsAtomic(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	jobs := inserter(t, pool)
	boom := errors.New("boom")
	for _, outcome := range []error{boom, nil} {
		err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
			if _, err := tx.Exec(t.Context(), "insert into subject (key, name) values ('effect', '')"); err != nil {
				return err
			}
			if _, err := jobs.InsertTx(t.Context(), tx, stepArgs{}, nil); err != nil {
				return err
			}
			return outcome
		})
		if !errors.Is(err, outcome) {
			t.Fatal(err)
		}
		want := 0
		if outcome == nil {
			want = 1
		}
		if n := count(t, pool, "select count(*) from subject where key = 'effect'"); n != want {
			t.Errorf("after %v: %d rows, want %d", outcome, n, want)
		}
		if n := count(t, pool, "select count(*) from river.river_job"); n != want {
			t.Errorf("after %v: %d jobs, want %d", outcome, n, want)
		}
	}
}

// TestPromptNotice: neither the second job of a pair nor a job after a rolled-back insert waits for the worker's poll, as they do
// with plain River.
func TestPromptNotice(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	started := make(chan int, 10)
	seldomPolling(t, pool, func(_ context.Context, job *stepJob) error {
		started <- job.Args.N
		return nil
	})
	jobs := inserter(t, pool)
	insert := func(n int, outcome error) {
		err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
			if _, err := jobs.InsertTx(t.Context(), tx, stepArgs{N: n}, nil); err != nil {
				return err
			}
			return outcome
		})
		if !errors.Is(err, outcome) {
			t.Fatal(err)
		}
	}
	insert(1, nil)
	<-started // the worker is up and has listened
	var waits []time.Duration
	for n := 2; n < 20; n += 2 {
		insert(0, errors.New("rolled back"))
		begin := time.Now()
		insert(n, nil)
		insert(n+1, nil)
		<-started
		<-started
		waits = append(waits, time.Since(begin))
	}
	ahead(t, waits)
}

// TestOrigin: a job has its request and its release, and passes its request on to the jobs that it enqueues.
func TestOrigin(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	done := make(chan struct{})
	jobs := inserter(t, pool)
	running(t, pool, func(ctx context.Context, job *river.Job[stepArgs]) error {
		if job.Args.N == 2 {
			close(done)
			return nil
		}
		return work.Finish(ctx, pool, job, func(tx pgx.Tx) error {
			_, err := jobs.InsertTx(ctx, tx, stepArgs{N: 2}, nil)
			return err
		})
	})
	ctx := work.WithOrigin(t.Context(), work.Origin{RequestID: "req-12345678"})
	first, err := jobs.Insert(ctx, stepArgs{N: 1}, &river.InsertOpts{Metadata: []byte(`{"order": 9007199254740993}`)})
	if err != nil {
		t.Fatal(err)
	}
	<-done
	holds(t, pool, "what was in the metadata is as it was", "select metadata ->> 'order' = '9007199254740993' from river.river_job where id = $1", first.Job.ID)
	var request, release string
	var parent int64
	err = pool.QueryRow(t.Context(), "select request_id, release, parent_id from jobs.job where parent_id is not null").
		Scan(&request, &release, &parent)
	if err != nil {
		t.Fatal(err)
	}
	if request != "req-12345678" || release != "v7" || parent != first.Job.ID {
		t.Errorf("request %q, release %q, parent %d; the parent was %d", request, release, parent, first.Job.ID)
	}
}

// TestUnknownKindIsRefused: web processes check kinds too.
func TestUnknownKindIsRefused(t *testing.T) {
	t.Parallel()
	tx := testdb.Tx(t)
	if _, err := inserter(t, nil).InsertTx(t.Context(), tx, otherArgs{}, nil); err == nil {
		t.Error("a kind without a worker was enqueued")
	}
}

type otherArgs struct{}

func (otherArgs) Kind() string { return "test_other" }

type queryer interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

func count(t *testing.T, q queryer, sql string) (n int) {
	t.Helper()
	if err := q.QueryRow(t.Context(), sql).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestWithoutPilot: jobs are enqueued, worked and finished with River's own driver too.
func TestWithoutPilot(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	done := make(chan struct{})
	workers := river.NewWorkers()
	river.AddWorker(workers, &stepWorker{work: func(ctx context.Context, job *river.Job[stepArgs]) error {
		defer close(done)
		return work.Finish(ctx, pool, job, func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, "insert into subject (key, name) values ('effect', '')")
			return err
		})
	}})
	plain, err := river.NewClient(riverpgxv5.New(pool), &river.Config{
		Workers: workers, Schema: "river", Queues: map[string]river.QueueConfig{"default": {MaxWorkers: 1}},
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := plain.Insert(t.Context(), stepArgs{}, nil); err != nil {
		t.Fatal(err)
	}
	if err := plain.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-done
	if err := plain.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := count(t, pool, "select count(*) from river.river_job, subject where state = 'completed' and key = 'effect'"); n != 1 {
		t.Error("the job and its effect are not both there")
	}
}
