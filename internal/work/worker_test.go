package work_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/backlist/backlist/internal/testdb"
	"github.com/backlist/backlist/internal/work"
	"github.com/backlist/backlist/internal/work/worktest"
)

// TestKilledWorker: a killed worker's job runs elsewhere without using up an attempt, and its row says what happened. The drill
// measures how soon.
func TestKilledWorker(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	victim := another(t, pool)
	id := enqueue(t, pool, 1)
	until(t, pool, "the victim has the job", "select state = 'running' from river.river_job where id = $1", id)
	ran := make(chan int, 1)
	running(t, pool, func(ctx context.Context, job *river.Job[stepArgs]) error {
		ran <- job.Attempt
		return work.Finish(ctx, pool, job, func(pgx.Tx) error { return nil })
	})
	awaitServerStart(t, pool)
	killed := now(t, pool)
	if err := victim.Kill(); err != nil {
		t.Fatal(err)
	}
	if attempt := <-ran; attempt != 2 {
		t.Errorf("it ran as attempt %d, want 2", attempt)
	}
	t.Logf("it ran again after %s", now(t, pool).Sub(killed))
	until(t, pool, "the job is done, with its reason, an attempt more and the death noted", `
		select state = 'completed' and max_attempts = 26 and metadata ->> 'deaths' = '1'
		   and errors[1] ->> 'error' like 'the worker worker.66-% died while it ran this job'
		   and errors[1] ->> 'code' = 'worker_died' and errors[1] ->> 'worker' = attempted_by[1]
		   and metadata ->> 'rescued_from' = attempted_by[1] and metadata ->> 'rescue_code' = 'worker_died' from river.river_job where id = $1`, id)
	until(t, pool, "the victim is declared dead", "select dead_at is not null from work.worker where dyno = 'worker.66'")
	until(t, pool, "it has waited since its rescue only, by all accounts", `
		select a.due_at >= $1 and abs(extract(epoch from a.wait - j.wait)) < 0.01 from jobs.attempt a join jobs.job j on j.id = a.job_id
		where a.outcome = 'completed'`, killed)
}

// TestLivingWorkerKeepsItsJob: a living worker keeps its job however long it runs, beside other workers.
func TestLivingWorkerKeepsItsJob(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	another(t, pool)
	id := enqueue(t, pool, 1)
	until(t, pool, "the other has the job", "select state = 'running' from river.river_job where id = $1", id)
	running(t, pool, func(context.Context, *river.Job[stepArgs]) error {
		t.Error("a living worker's job was taken")
		return nil
	})
	awaitServerStart(t, pool)
	// Ten heartbeats of each. The job is made to look days old, at which River's own rescuer would take it.
	if _, err := pool.Exec(t.Context(), "update river.river_job set attempted_at = now() - interval '3 days' where id = $1", id); err != nil {
		t.Fatal(err)
	}
	until(t, pool, "ten heartbeats have passed", "select bool_and(seen_at - started_at > interval '10 s') from work.worker")
	until(t, pool, "it still runs", "select state = 'running' and attempt = 1 from river.river_job where id = $1", id)
}

// TestDraining: a flag in its row makes a worker stop fetching and acknowledge that; clearing the flag takes effect at once.
func TestDraining(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	ran := make(chan int, 10)
	release := make(chan struct{})
	w := seldomPolling(t, pool, func(_ context.Context, job *stepJob) error {
		ran <- job.Args.N
		if job.Args.N == 1 {
			<-release
		}
		return nil
	})
	long := enqueue(t, pool, 1)
	<-ran
	set := func(on bool) {
		if _, err := pool.Exec(t.Context(), "update work.worker set draining = $2 where id = $1", w.ID(), on); err != nil {
			t.Fatal(err)
		}
	}
	var waits []time.Duration
	for next := 2; next < 5; next++ {
		set(true)
		until(t, pool, "it acknowledges", "select drained_at is not null from work.worker where id = $1", w.ID())
		waiting := enqueue(t, pool, next)
		until(t, pool, "two heartbeats have passed", "select seen_at > drained_at + interval '2 s' from work.worker where id = $1", w.ID())
		until(t, pool, "one job waits and the other goes on", `select (select state from river.river_job where id = $1) = 'available'
			and (select state from river.river_job where id = $2) = 'running'`, waiting, long)
		set(false)
		begin := time.Now()
		if n := <-ran; n != next {
			t.Errorf("job %d ran", n)
		}
		waits = append(waits, time.Since(begin))
		until(t, pool, "the acknowledgement is gone", "select drained_at is null from work.worker where id = $1", w.ID())
	}
	ahead(t, waits)
	close(release)
}

// TestLateAttempt: nothing that a worker returns changes the job once another attempt has it.
func TestLateAttempt(t *testing.T) {
	t.Parallel()
	for name, outcome := range map[string]error{"done": nil, "failed": errors.New("boom"), "cancelled": river.JobCancel(errors.New("no")), "snoozed": river.JobSnooze(0)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := testdb.New(t)
			begun, end := make(chan struct{}), make(chan struct{})
			_, stop := worktest.Start(t, pool, options(t, func(ctx context.Context, _ *river.Job[stepArgs]) error {
				close(begun)
				<-end
				_ = river.MetadataSet(ctx, "late", true)
				return outcome
			}))
			id := enqueue(t, pool, 1)
			<-begun
			_, err := pool.Exec(t.Context(), `update river.river_job
				set attempt = attempt + 1, attempted_by = array_append(attempted_by, 'someone else') where id = $1`, id)
			if err != nil {
				t.Fatal(err)
			}
			close(end)
			stop() // writes every outcome first
			until(t, pool, "the other attempt runs on untouched", `select state = 'running' and attempt = 2 and errors is null
				and finalized_at is null and not metadata ? 'late' from river.river_job where id = $1`, id)
		})
	}
}

// TestStopHandsBack: a stop hands back jobs that do not end in time without using up an attempt, even jobs that ignore their
// context.
func TestStopHandsBack(t *testing.T) {
	t.Parallel()
	for name, ignores := range map[string]bool{"a job that minds its context": false, "a job that ignores it": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := testdb.New(t)
			begun, never := make(chan struct{}), make(chan struct{})
			t.Cleanup(func() { close(never) })
			o := optionsOf(nil, func(ctx context.Context, _ *river.Job[stepArgs]) error { // River logs errors after the job that ignores its context
				close(begun)
				if ignores {
					<-never
				}
				<-ctx.Done()
				return ctx.Err()
			})
			o.Grace = 50 * time.Millisecond
			_, stop := worktest.Start(t, pool, o)
			id := enqueue(t, pool, 1)
			<-begun
			stop()
			until(t, pool, "it waits again and has all its attempts left", `
				select state = 'available' and max_attempts - attempt = 25 and not metadata ? 'deaths' from river.river_job where id = $1`, id)
			until(t, pool, "the worker's row shows that it stopped", "select stopped_at is not null and dead_at is null from work.worker")
		})
	}
}

// TestIdentity: the worker's row has what an operator looks for.
func TestIdentity(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	w := running(t, pool, nil)
	until(t, pool, "the row is complete", `select dyno = 'worker.1' and index = 1 and release = 'v7' and slots = 10 and locked
		and rss_bytes > 1000000 from work.worker where id = $1`, w.ID())
	if !strings.HasPrefix(w.ID(), "worker.1-") {
		t.Error(w.ID())
	}
}
