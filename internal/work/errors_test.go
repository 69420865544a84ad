package work_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/riverqueue/river"

	"github.com/backlist/backlist/internal/testdb"
	"github.com/backlist/backlist/internal/work"
)

// TestErrors: temporary errors are retried, permanent ones are not, RetryAfter is respected, a panic leaves its stack, and a job
// whose arguments cannot be read is held.
func TestErrors(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	running(t, pool, func(_ context.Context, job *river.Job[stepArgs]) error {
		switch job.Args.N {
		case 1:
			return errors.New("it may pass")
		case 2:
			return fmt.Errorf("send: %w", work.Permanent(errors.New("no such address")))
		case 3:
			return work.RetryAfter(errors.New("too many requests"), time.Hour)
		default:
			panic("out of order")
		}
	})
	for n, want := range map[int]string{
		1: "state in ('retryable', 'available') and scheduled_at < now() + interval '2 s' and errors[1] ->> 'error' = 'it may pass'",
		2: "state = 'cancelled' and errors[1] ->> 'error' like '%no such address'",
		3: "state = 'retryable' and scheduled_at - attempted_at between interval '59 min' and interval '80 min'",
		4: "errors[1] ->> 'error' = 'out of order' and errors[1] ->> 'trace' like '%errors_test.go%'",
	} {
		until(t, pool, want, "select "+want+" from river.river_job where id = $1", enqueue(t, pool, n))
	}
	var id int64
	err := pool.QueryRow(t.Context(), `insert into river.river_job (kind, args, max_attempts, queue) values ('test_step', '{"n": "text"}', 25, 'default') returning id`).Scan(&id)
	if err != nil {
		t.Fatal(err)
	}
	until(t, pool, "it is held with its reason", `select state = 'scheduled' and attempt = 0 and errors is null
		and metadata ->> 'held' like 'the arguments cannot be read%' from river.river_job where id = $1`, id)
}

// TestMetadataThatIsNotOurs: dead workers' jobs are rescued even if other programs wrote other values under our keys.
func TestMetadataThatIsNotOurs(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	_, err := pool.Exec(t.Context(), `insert into work.worker (id, slots, lock_key, seen_at, dead_at) values ('dead', 1, 1, now() - interval '1 min', now());
		insert into river.river_job (kind, args, max_attempts, queue, state, attempt, attempted_at, attempted_by, metadata)
		select 'test_step', '{}', 25, 'default', 'running', 1, now(), '{dead}', metadata
		from unnest(array['{"deaths": "many", "rescues": -1, "rescued_at": 1e400}', '{"deaths": 1e9, "rescues": [1], "rescued_at": -1}', '"text"', '[]', '{}']::jsonb[]) metadata`)
	if err != nil {
		t.Fatal(err)
	}
	running(t, pool, func(context.Context, *river.Job[stepArgs]) error { return nil })
	until(t, pool, "all are done by other workers, and counted", `select count(*) = 5 and bool_and(metadata ->> 'deaths' = '1' and metadata ->> 'rescues' = '1')
		from river.river_job where state = 'completed'`)
	holds(t, pool, "they can be looked at", "select bool_and(wait < interval '1 min') from jobs.job")
}

// TestRescuesAreNoFailures: rescues in the job's row do not count as failures, on which the wait depends (see TestNextRetry).
func TestRescuesAreNoFailures(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	failures := make(chan int, 10)
	running(t, pool, func(_ context.Context, job *river.Job[stepArgs]) error {
		failures <- work.Failures(job.JobRow)
		return errors.New("no")
	})
	var id int64
	err := pool.QueryRow(t.Context(), `insert into river.river_job (kind, args, max_attempts, queue, attempt, metadata, errors)
		values ('test_step', '{}', 25, 'default', 3, '{"rescues": 3}', array_fill('{"at": "2026-01-01T00:00:00Z", "error": "its worker died"}'::jsonb, array[3]))
		returning id`).Scan(&id)
	if err != nil {
		t.Fatal(err)
	}
	for want := range 2 { // the second try comes after a second, not after minutes
		if n := <-failures; n != want {
			t.Errorf("%d failures before this attempt, want %d", n, want)
		}
	}
}

// TestUnregisteredJobs: jobs of a client that never registered are left alone until they are surely lost.
func TestUnregisteredJobs(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	for age := range 2 {
		_, err := pool.Exec(t.Context(), `insert into river.river_job (kind, args, max_attempts, queue, state, attempt, attempted_at, attempted_by)
			values ('test_step', jsonb_build_object('n', $1::int), 25, 'default', 'running', 1, now() - $1 * interval '7 min', '{an older release}')`, age)
		if err != nil {
			t.Fatal(err)
		}
	}
	// A dead worker makes the living one look for jobs to rescue.
	_, err := pool.Exec(t.Context(), "insert into work.worker (id, slots, lock_key, seen_at) values ('silent', 1, 1, now() - interval '1 min')")
	if err != nil {
		t.Fatal(err)
	}
	var ran atomic.Int32
	running(t, pool, func(_ context.Context, job *river.Job[stepArgs]) error {
		ran.Store(int32(job.Args.N))
		return nil
	})
	until(t, pool, "the old one is done and the young one runs on", `select count(*) filter (where state = 'completed') = 1
		and count(*) filter (where state = 'running') = 1 from river.river_job`)
	if ran.Load() != 1 {
		t.Error("the wrong one was taken")
	}
}
