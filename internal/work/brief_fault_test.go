package work_test

import (
	"context"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"

	"github.com/backlist/backlist/internal/work"
	"github.com/backlist/backlist/internal/work/worktest"
)

// noteUntilKilled is the work of the brief jobs of another process: a job with the number 13 suspends its process, or kills it.
func noteUntilKilled(pool *pgxpool.Pool, does string) func(ctx context.Context, job *river.Job[noteArgs], fx *work.Effects) error {
	return func(ctx context.Context, job *river.Job[noteArgs], fx *work.Effects) error {
		if job.Args.N == 13 {
			if _, err := pool.Exec(ctx, "insert into seen values ($1)", job.Queue); err != nil {
				return err
			}
			signal := syscall.SIGSTOP
			if does == "brief poison" {
				signal = syscall.SIGKILL
			}
			_ = syscall.Kill(os.Getpid(), signal)
			time.Sleep(time.Second) // until the signal arrives
		}
		return note(ctx, job, fx)
	}
}

// TestBriefWorkerStops: a suspended worker's batch is taken by another, and nothing of it is written when the first goes on.
func TestBriefWorkerStops(t *testing.T) {
	t.Parallel()
	pool, o := briefly(t, note)
	if _, err := pool.Exec(t.Context(), "create table seen (queue text)"); err != nil {
		t.Fatal(err)
	}
	enqueueNotes(t, pool, o, 1, 40)
	first := anotherOf(t, pool, "brief")
	until(t, pool, "the first worker is suspended", "select count(*) > 0 from seen")
	worktest.Start(t, pool, o)
	onceEach(t, pool, 40)
	if err := first.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	enqueueNotes(t, pool, o, 41, 80)
	onceEach(t, pool, 80)
}

// TestBriefPoison: a job that kills its worker is found: the process that declares the worker dead moves what the worker may have run
// to the ordinary lane.
func TestBriefPoison(t *testing.T) {
	t.Parallel()
	pool, o := briefly(t, note)
	if _, err := pool.Exec(t.Context(), "create table seen (queue text)"); err != nil {
		t.Fatal(err)
	}
	enqueueNotes(t, pool, o, 1, 40)
	awaitServerStart(t, pool)
	anotherOf(t, pool, "brief poison")
	until(t, pool, "the worker has died", "select count(*) > 0 from seen")
	anotherOf(t, pool, "keep")
	until(t, pool, "its jobs are in the ordinary lane", `select queue = 'singly' and home_queue = 'notes' and attempt = 0
		from jobs.job where args @> '{"n": 13}'`)
	worktest.Start(t, pool, o) // in whose code the job is harmless
	onceEach(t, pool, 40)
}

// TestBriefConnectionCut: a connection that is cut while handlers run, before or after an effect or at the commit, loses and doubles
// nothing, and no job spends an attempt.
func TestBriefConnectionCut(t *testing.T) {
	t.Parallel()
	var pool *pgxpool.Pool
	var cuts [5]atomic.Bool
	pool, o := briefly(t, func(ctx context.Context, job *river.Job[noteArgs], fx *work.Effects) error {
		_ = note(ctx, job, fx)
		n := job.Args.N
		if n%50 != 25 || n/50 >= len(cuts) || cuts[n/50].Swap(true) {
			return nil
		}
		switch n / 50 {
		case 0, 1:
			_, err := pool.Exec(ctx, `select pg_terminate_backend(pid) from pg_stat_activity
				where datname = current_database() and state = 'idle in transaction' and pid <> pg_backend_pid()`)
			return err
		case 2:
			fx.Exec("select pg_terminate_backend(pg_backend_pid())")
		case 3:
			fx.Exec("select set_config('idle_in_transaction_session_timeout', '1ms', true), set_config('statement_timeout', '1ms', true), pg_sleep(0.1)")
		case 4:
			fx.Exec("insert into at_commit values (1)")
		}
		return nil
	})
	if _, err := pool.Exec(t.Context(), `create table at_commit (n int);
		create function cut() returns trigger language plpgsql as $$ begin perform pg_terminate_backend(pg_backend_pid()); return null; end $$;
		create constraint trigger cut after insert on at_commit deferrable initially deferred for each row execute function cut()`); err != nil {
		t.Fatal(err)
	}
	enqueueNotes(t, pool, o, 1, 300)
	worktest.Start(t, pool, o)
	onceEach(t, pool, 300)
	var spent int
	if err := pool.QueryRow(t.Context(), "select count(*) from river.river_job where attempt <> 1").Scan(&spent); err != nil || spent > 0 {
		t.Errorf("%d jobs spent an attempt (%v)", spent, err)
	}
}

// TestBriefDeadlocks: batches that lock rows in opposite orders deadlock, and each effect is written once all the same.
func TestBriefDeadlocks(t *testing.T) {
	t.Parallel()
	pool, o := briefly(t, func(ctx context.Context, job *river.Job[noteArgs], fx *work.Effects) error {
		_ = note(ctx, job, fx)
		fx.Exec("update hot set hits = hits + 1 where id = $1", (job.ID*7)%5)
		return nil
	})
	if _, err := pool.Exec(t.Context(), "create table hot (id int primary key, hits int not null); insert into hot select n, 0 from generate_series(0, 4) n"); err != nil {
		t.Fatal(err)
	}
	enqueueNotes(t, pool, o, 1, 600)
	worktest.Start(t, pool, o)
	worktest.Start(t, pool, o)
	onceEach(t, pool, 600)
	var hits int
	if err := pool.QueryRow(t.Context(), "select sum(hits) from hot").Scan(&hits); err != nil || hits != 600 {
		t.Errorf("%d hits (%v)", hits, err)
	}
}

// TestActsDuringABatch: acts on a job of a batch, and an insert of its duplicate, wait for the batch, and find the job completed.
func TestActsDuringABatch(t *testing.T) {
	t.Parallel()
	acts := map[int]string{
		1: "select * from jobs.cancel(array[$1::bigint])", 2: "select * from jobs.delete(array[$1::bigint])",
		3: "select * from jobs.retry(array[$1::bigint])", 4: "select * from jobs.run_now(array[$1::bigint])",
		5: "select jobs.enqueue('test_note', '{\"n\": 5}', unique_by_args => true, unique_by_state => '{available,pending,running,scheduled}') is not null, $1::bigint",
	}
	var pool *pgxpool.Pool
	var done sync.WaitGroup
	results := make(chan error, len(acts)+1)
	var first [7]atomic.Bool
	pool, o := briefly(t, func(ctx context.Context, job *river.Job[noteArgs], fx *work.Effects) error {
		if n := job.Args.N; n < len(first) && !first[n].Swap(true) {
			sql, id := acts[n], job.ID
			if sql == "" {
				sql = "select *, $1::bigint from jobs.pause('notes')"
			}
			done.Go(func() {
				_, err := pool.Exec(context.WithoutCancel(ctx), sql, id)
				results <- err
			})
			time.Sleep(2 * time.Millisecond) // the act has begun, mostly
		}
		return note(ctx, job, fx)
	})
	client, err := work.NewInserter(pool, o)
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= 6; n++ {
		if _, err := client.Insert(t.Context(), noteArgs{n}, &river.InsertOpts{UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: work.Unfinished()}}); err != nil {
			t.Fatal(err)
		}
	}
	worktest.Start(t, pool, o)
	for range len(acts) + 1 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	done.Wait()
	until(t, pool, "the queue is paused", "select paused from jobs.queue where queue = 'notes'")
	if _, err := pool.Exec(t.Context(), "select * from jobs.resume('notes')"); err != nil {
		t.Fatal(err)
	}
	// The retried job and the duplicate may run once more: each run has its effect, and each completion its run.
	until(t, pool, "nothing waits", "select count(*) = 0 from jobs.job where state not in ('completed', 'cancelled')")
	var lost string
	err = pool.QueryRow(t.Context(), `select coalesce(string_agg(j.args::text || ' ' || j.state || ' ' || j.attempt, ', '), '') from jobs.job j
		where j.attempt <> (select count(*) from note where job_id = j.id)`).Scan(&lost)
	if err != nil || lost != "" {
		t.Errorf("runs and effects differ: %s (%v)", lost, err)
	}
}

// TestBriefBehindAPooler: batches are transactions, so a pooler in transaction mode does not disturb them, nor does a short
// statement_timeout.
func TestBriefBehindAPooler(t *testing.T) {
	t.Parallel()
	direct, o := briefly(t, note)
	if _, err := direct.Exec(t.Context(), `do $$ begin execute format('alter database %I set statement_timeout = ''1s''', current_database()); end $$`); err != nil {
		t.Fatal(err)
	}
	pooled, err := pgxpool.New(t.Context(), worktest.Pooler(t, direct.Config().ConnString())+"&default_query_exec_mode=cache_describe")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pooled.Close)
	o.PollOnly = true
	enqueueNotes(t, direct, o, 1, 100)
	worktest.Start(t, pooled, o)
	onceEach(t, direct, 100)
}

// TestBriefGate: a worker that drains takes no brief jobs, and goes on when it no longer drains; one that stops ends its batch.
func TestBriefGate(t *testing.T) {
	t.Parallel()
	pool, o := briefly(t, note)
	w, stop := worktest.Start(t, pool, o)
	if _, err := pool.Exec(t.Context(), "select jobs.drain($1, 'a test')", w.ID()); err != nil {
		t.Fatal(err)
	}
	until(t, pool, "the worker is drained", "select status = 'drained' from jobs.worker where worker = $1", w.ID())
	enqueueNotes(t, pool, o, 1, 100)
	until(t, pool, "the jobs are known to wait", "select count(*) = 100 and bool_and(waiting = 'all_draining') from jobs.job")
	if _, err := pool.Exec(t.Context(), "select jobs.undrain($1, 'a test')", w.ID()); err != nil {
		t.Fatal(err)
	}
	onceEach(t, pool, 100)
	stop()
	if _, err := pool.Exec(t.Context(), "update river.river_job set state = 'available', finalized_at = null where id <= 3"); err != nil {
		t.Fatal(err)
	}
	var queued int
	err := pool.QueryRow(t.Context(), "select count(*) from jobs.job where waiting = 'no_worker'").Scan(&queued)
	if err != nil || queued != 3 {
		t.Errorf("%d wait for a worker (%v)", queued, err)
	}
}
