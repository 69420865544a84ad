package work_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"

	"github.com/backlist/backlist/internal/testdb"
	"github.com/backlist/backlist/internal/work"
	"github.com/backlist/backlist/internal/work/worktest"
)

// noteArgs are the arguments of a brief kind.
type noteArgs struct {
	N int `json:"n" river:"unique"`
}

func (noteArgs) Kind() string                 { return "test_note" }
func (noteArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: "notes"} }

// noteWorker runs a function of the test.
type noteWorker struct {
	work func(ctx context.Context, job *river.Job[noteArgs], fx *work.Effects) error
}

func (w *noteWorker) Work(ctx context.Context, job *river.Job[noteArgs], fx *work.Effects) error {
	return w.work(ctx, job, fx)
}

// note writes the job's effect: a row per run.
func note(_ context.Context, job *river.Job[noteArgs], fx *work.Effects) error {
	fx.Exec("insert into note (n, job_id) values ($1, $2)", job.Args.N, job.ID)
	return nil
}

// briefly returns a database with a table of effects, and the options of a worker of the brief kind.
func briefly(t *testing.T, do func(ctx context.Context, job *river.Job[noteArgs], fx *work.Effects) error) (*pgxpool.Pool, work.Options) {
	t.Helper()
	pool := testdb.New(t)
	if _, err := pool.Exec(t.Context(), "create table note (n int, job_id bigint)"); err != nil {
		t.Fatal(err)
	}
	o := options(t, nil)
	work.AddBrief(o.Workers, &noteWorker{do}, work.Brief{})
	return pool, o
}

// enqueueNotes enqueues jobs of the brief kind in one transaction.
func enqueueNotes(t *testing.T, pool *pgxpool.Pool, o work.Options, from, to int) {
	t.Helper()
	client, err := work.NewInserter(pool, o)
	if err != nil {
		t.Fatal(err)
	}
	var many []river.InsertManyParams
	for n := from; n <= to; n++ {
		many = append(many, river.InsertManyParams{Args: noteArgs{n}})
	}
	if err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		_, err := client.InsertManyTx(t.Context(), tx, many)
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// onceEach waits until jobs are completed, and checks that each of them had its effect once.
func onceEach(t *testing.T, pool *pgxpool.Pool, jobs int) {
	t.Helper()
	until(t, pool, "all jobs are completed", "select count(*) = $1 from river.river_job where kind = 'test_note' and state = 'completed'", jobs)
	var effects, distinct int
	if err := pool.QueryRow(t.Context(), "select count(*), count(distinct n) from note").Scan(&effects, &distinct); err != nil || effects != jobs || distinct != jobs {
		t.Errorf("%d effects of %d jobs, wanted one of each of %d (%v)", effects, distinct, jobs, err)
	}
}

// TestBriefJobs: jobs share transactions, and schema jobs shows each as if it had run by itself.
func TestBriefJobs(t *testing.T) {
	t.Parallel()
	pool, o := briefly(t, note)
	enqueueNotes(t, pool, o, 1, 300)
	w, stop := worktest.Start(t, pool, o)
	onceEach(t, pool, 300)
	stop() // writes the record
	var shares, wrong, rows, unrecorded, minutes int
	err := pool.QueryRow(t.Context(), `select (select count(distinct xmin::text) from river.river_job),
		(select count(*) from jobs.job where attempt <> 1 or worker <> $1 or wait < '0' or run < '0' or run > '10 s' or started_at < enqueued_at or finished_at < started_at),
		(select count(*) from work.attempt), (select count(*) from jobs.job j where not exists (select from jobs.attempt a
			where a.job_id = j.id and a.outcome = 'completed' and a.worker = j.worker and a.started_at = j.started_at and a.ended_at = j.finished_at)),
		(select sum(completed) from jobs.minute where queue = 'notes')`, w.ID()).Scan(&shares, &wrong, &rows, &unrecorded, &minutes)
	if err != nil {
		t.Fatal(err)
	}
	if shares > 20 || wrong > 0 || rows > 2 || unrecorded > 0 || minutes != 300 {
		t.Errorf("%d transactions, %d wrong rows, %d rows of attempts, %d attempts not shown, %d in the minutes", shares, wrong, rows, unrecorded, minutes)
	}
}
