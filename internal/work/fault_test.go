package work_test

import (
	"context"
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"

	"github.com/backlist/backlist/internal/testdb"
	"github.com/backlist/backlist/internal/work"
	"github.com/backlist/backlist/internal/work/worktest"
)

// TestZombie: a suspended process is declared dead, its late attempt changes nothing when it resumes, and then it works again.
func TestZombie(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	victim := another(t, pool)
	id := enqueue(t, pool, 1)
	until(t, pool, "the victim has the job", "select state = 'running' from river.river_job where id = $1", id)
	running(t, pool, func(ctx context.Context, job *stepJob) error {
		return work.Finish(ctx, pool, job, func(pgx.Tx) error { return nil })
	})
	awaitServerStart(t, pool)
	if err := victim.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	until(t, pool, "its job is done elsewhere", "select state = 'completed' and attempt = 2 from river.river_job where id = $1", id)
	woken := now(t, pool)
	if err := victim.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	until(t, pool, "it lives again, and its own attempt has ended",
		"select dead_at is null and seen_at > $1 and running = 0 from work.worker where dyno = 'worker.66'", woken)
	until(t, pool, "the job is as it was left", `select state = 'completed' and attempt = 2 and cardinality(errors) = 1
		and metadata ->> 'deaths' = '1' from river.river_job where id = $1`, id)
	before := now(t, pool)
	until(t, pool, "the victim has noted its attempt too", "select seen_at > $1::timestamptz + interval '2 s' from work.worker where dyno = 'worker.66'", before)
	outcomes(t, pool, id, "lost", "completed")
}

// runningFor inserts a job that a worker has been running for some time.
func runningFor(t *testing.T, pool *pgxpool.Pool, worker, since, metadata string) (id int64) {
	t.Helper()
	err := pool.QueryRow(t.Context(), `insert into river.river_job
			(kind, args, max_attempts, queue, state, attempt, attempted_at, attempted_by, metadata)
		values ('test_step', '{}', 25, 'default', 'running', 1, now() - $2::interval, array[$1], $3::jsonb) returning id`,
		worker, since, metadata).Scan(&id)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// TestLostAnswer: if the connection broke before the answer to a fetch, its jobs run in the name of a worker that never received
// them. That worker rescues them itself, without counting a death. Jobs of unregistered clients are found too, although no
// worker dies.
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	w := running(t, pool, func(context.Context, *stepJob) error { return nil })
	for _, id := range []int64{runningFor(t, pool, w.ID(), "20 s", "{}"), runningFor(t, pool, "an older release", "7 min", "{}")} {
		until(t, pool, "it has run", `select state = 'completed' and attempt = 2 and max_attempts = 26 and not metadata ? 'deaths'
			from river.river_job where id = $1`, id)
	}
}

// TestCancelledJobOfTheDead: a cancelled job of a dead worker is not run again.
func TestCancelledJobOfTheDead(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	_, err := pool.Exec(t.Context(), "insert into work.worker (id, slots, lock_key, dead_at) values ('dead', 1, 1, now())")
	if err != nil {
		t.Fatal(err)
	}
	running(t, pool, func(context.Context, *stepJob) error {
		t.Error("a cancelled job ran")
		return nil
	})
	id := runningFor(t, pool, "dead", "0 s", `{"cancel_attempted_at": "2026-01-01T00:00:00Z"}`)
	until(t, pool, "it is cancelled", "select state = 'cancelled' and finalized_at is not null from river.river_job where id = $1", id)
}

// TestNULInErrors: Postgres cannot store NUL, and a batch that cannot be stored would delay every later one.
func TestNULInErrors(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	running(t, pool, func(ctx context.Context, job *stepJob) error {
		_ = river.MetadataSet(ctx, "note", `a\u0000 is not NUL, `+"this is: \x00")
		switch job.Args.N {
		case 1:
			return errors.New("a bad\x00 reply")
		case 2:
			panic("a bad\x00 panic")
		}
		return nil
	})
	for n, want := range []string{
		"state = 'completed' and metadata ->> 'note' = e'a\\\\u0000 is not NUL, this is: \\ufffd'",
		"errors[1] ->> 'error' = e'a bad\\ufffd reply'",
		"errors[1] ->> 'error' = e'a bad\\ufffd panic'",
	} {
		until(t, pool, want, "select "+want+" from river.river_job where id = $1", enqueue(t, pool, n))
	}
}

// TestIsolatedJobsThatNoWorkerTakes: isolated jobs of an unknown kind or a paused queue do not keep a busy worker from fetching
// other jobs.
func TestIsolatedJobsThatNoWorkerTakes(t *testing.T) {
	t.Parallel()
	for name, kind := range map[string]string{"of an unknown kind": "of_a_newer_release", "paused": "test_step"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := testdb.New(t)
			busy, quiet := make(chan struct{}), make(chan struct{})
			w := running(t, pool, func(_ context.Context, job *stepJob) error {
				if job.Args.N == 1 {
					close(busy)
					<-quiet
				}
				return nil
			})
			defer close(quiet)
			enqueue(t, pool, 1)
			<-busy
			_, err := pool.Exec(t.Context(), "insert into river.river_job (kind, args, max_attempts, queue) values ($1, '{}', 25, 'alone')", kind)
			if err != nil {
				t.Fatal(err)
			}
			before := now(t, pool)
			until(t, pool, "the worker has polled", "select seen_at > $2::timestamptz + interval '2 s' from work.worker where id = $1", w.ID(), before)
			if name == "paused" {
				if err := inserter(t, pool).QueuePause(t.Context(), "alone", nil); err != nil {
					t.Fatal(err)
				}
			}
			id := enqueue(t, pool, 2)
			until(t, pool, "another job is done", "select state = 'completed' from river.river_job where id = $1", id)
		})
	}
}

// TestStopSpendsNoAttempt: a stop does not use up an attempt, not even of a job that returns an error of its own.
func TestStopSpendsNoAttempt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		outcome error
		want    string
	}{
		"in its own words": {errors.New("signal: killed"), "state = 'available' and attempt = 0 and max_attempts = 25 and errors is null"},
		"permanent":        {work.Permanent(errors.New("no such book")), "state = 'cancelled' and attempt = 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := testdb.New(t)
			begun := make(chan struct{})
			o := options(t, func(ctx context.Context, _ *stepJob) error {
				close(begun)
				<-ctx.Done()
				return c.outcome
			})
			o.Grace = 50 * time.Millisecond
			_, stop := worktest.Start(t, pool, o)
			id := enqueue(t, pool, 1)
			<-begun
			stop()
			until(t, pool, c.want, "select "+c.want+" from river.river_job where id = $1", id)
		})
	}
}

// TestForeignMetadata: values that other programs write under our keys do not fail a job.
func TestForeignMetadata(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	running(t, pool, func(context.Context, *stepJob) error { return nil })
	_, err := pool.Exec(t.Context(), `insert into river.river_job (kind, args, max_attempts, queue, metadata)
		values ('test_step', '{}', 25, 'default', '{"request_id": 5}')`)
	if err != nil {
		t.Fatal(err)
	}
	until(t, pool, "it is done", "select state = 'completed' from river.river_job")
}

// TestNoticesAfterLosses: however often the worker's own connection is cut, notices come through the next one at once. (The wait
// of River's own listener doubles with each loss.)
func TestNoticesAfterLosses(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	ran := make(chan struct{}, 1)
	w := seldomPolling(t, pool, func(context.Context, *stepJob) error {
		ran <- struct{}{}
		return nil
	})
	const line = "from pg_stat_activity where application_name = 'backlist ' || $1"
	for range 4 {
		var pid int
		if err := pool.QueryRow(t.Context(), "select pid "+line, w.ID()).Scan(&pid); err != nil {
			t.Fatal(err)
		}
		if _, err := pool.Exec(t.Context(), "select pg_terminate_backend($1)", pid); err != nil {
			t.Fatal(err)
		}
		until(t, pool, "it has connected again", "select exists (select "+line+" and pid <> $2)", w.ID(), pid)
		until(t, pool, "it has sent a heartbeat since", "select seen_at > (select max(backend_start) "+line+") from work.worker where id = $1", w.ID())
	}
	var waits []time.Duration
	for range 8 {
		begin := time.Now()
		enqueue(t, pool, 1)
		<-ran
		waits = append(waits, time.Since(begin))
	}
	ahead(t, waits)
}
