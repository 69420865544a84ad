package work_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"

	"github.com/backlist/backlist/internal/testdb"
	"github.com/backlist/backlist/internal/work"
	"github.com/backlist/backlist/internal/work/worktest"
)

// asWorker is the variable that makes the test binary a worker process on the database that it names. Its jobs never end,
// unless another variable sets their work.
const asWorker = "BACKLIST_TEST_WORKER_URL"

func TestMain(m *testing.M) {
	if url := os.Getenv(asWorker); url != "" {
		workForEver(url)
		return
	}
	testdb.Main(m)
}

func workForEver(url string) {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, url)
	if err != nil {
		panic(err)
	}
	does := os.Getenv(asWorker + "_DOES")
	o := optionsOf(nil, doing(pool, does))
	o.Process, o.PollOnly = "worker.66", pollOnly(url)
	if does == "tick" {
		work.AddWorker(o.Workers, river.WorkFunc(func(context.Context, *river.Job[taggedArgs]) error { return nil }))
		o.Release = "v8"
	}
	if does == "keep" {
		k, err := work.NewMaintainer(pool, o)
		if err != nil {
			panic(err)
		}
		k.Run(ctx)
	}
	w, err := work.NewWorker(pool, o)
	if err != nil {
		panic(err)
	}
	if err := w.Run(ctx, func() { fmt.Println("ready") }); err != nil {
		panic(err)
	}
}

// another starts a worker in a separate process, for tests to kill.
func another(t *testing.T, pool *pgxpool.Pool) *os.Process {
	t.Helper()
	return anotherOf(t, pool, "")
}

// anotherOf is like another, with jobs that do something.
func anotherOf(t *testing.T, pool *pgxpool.Pool, does string) *os.Process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), asWorker+"="+pool.Config().ConnString(), asWorker+"_DOES="+does)
	cmd.Stderr = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd.Process
}

// until polls a condition in the database for up to a minute.
func until(t *testing.T, pool *pgxpool.Pool, what, sql string, args ...any) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		var ok bool
		if err := pool.QueryRow(t.Context(), "select coalesce(("+sql+"), false)", args...).Scan(&ok); err != nil {
			t.Fatal(err)
		}
		if ok {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not within a minute: %s", what)
		}
		time.Sleep(5 * time.Millisecond) // between two polls
	}
}

// seldomPolling is like running, but polls so rarely that a wait for the poll cannot be confused with a busy machine.
func seldomPolling(t *testing.T, pool *pgxpool.Pool, do func(ctx context.Context, job *stepJob) error) *work.Worker {
	t.Helper()
	o := options(t, do)
	o.Poll = 2 * time.Minute
	w, _ := worktest.Start(t, pool, o)
	return w
}

// ahead checks that most of the waits did not last until the poll of seldomPolling.
func ahead(t *testing.T, waits []time.Duration) {
	t.Helper()
	slices.Sort(waits)
	t.Logf("waited %s", waits)
	if waits[len(waits)/2] > time.Minute {
		t.Errorf("they waited for the poll: %s", waits)
	}
}

// now returns the time by the server's clock.
func now(t *testing.T, pool *pgxpool.Pool) (at time.Time) {
	t.Helper()
	if err := pool.QueryRow(t.Context(), "select clock_timestamp()").Scan(&at); err != nil {
		t.Fatal(err)
	}
	return at
}

func enqueue(t *testing.T, pool *pgxpool.Pool, n int) int64 {
	t.Helper()
	res, err := inserter(t, pool).Insert(t.Context(), stepArgs{N: n}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return res.Job.ID
}

// awaitServerStart waits until the server has been up for so long that workers may be declared dead.
func awaitServerStart(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	until(t, pool, "the server has been up for 10 s", "select clock_timestamp() - pg_postmaster_start_time() > interval '10.1 s'")
}

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
		4: "errors[1] ->> 'error' = 'out of order' and errors[1] ->> 'trace' like '%worker_test.go%'",
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

// TestPoison: after two deaths a job runs isolated, and is discarded if its worker dies again.
func TestPoison(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	var beside atomic.Int32
	var alone atomic.Bool
	busy, quiet := make(chan struct{}), make(chan struct{})
	running(t, pool, func(_ context.Context, job *river.Job[stepArgs]) error {
		if job.Args.N == 2 {
			alone.Store(beside.Load() == 0)
			return nil
		}
		beside.Add(1)
		close(busy)
		<-quiet
		beside.Add(-1)
		return nil
	})
	awaitServerStart(t, pool)
	enqueue(t, pool, 1)
	<-busy
	// Two workers died with this job before; a third, also dead, has it now.
	dead := func(id, queue string, deaths int) {
		_, err := pool.Exec(t.Context(), "insert into work.worker (id, slots, lock_key, seen_at, dead_at) values ($1, 1, 1, now() - interval '1 min', now())", id)
		if err != nil {
			t.Fatal(err)
		}
		_, err = pool.Exec(t.Context(), `insert into river.river_job (kind, args, max_attempts, queue, state, attempt, attempted_at, attempted_by, metadata)
			values ('test_step', '{"n": 2}', 25, $2, 'running', $3::int, now(), array[$1::text], jsonb_build_object('deaths', $3::int))`, id, queue, deaths)
		if err != nil {
			t.Fatal(err)
		}
	}
	execute(t, pool, "insert into river.river_queue (name, updated_at, paused_at) values ('mail', now(), now())")
	dead("dead-0", "mail", 1)
	until(t, pool, "a job whose own queue is paused is isolated", `
		select exists (select from jobs.job where queue = 'alone' and home_queue = 'mail' and waiting = 'paused')`)
	holds(t, pool, "its advice says what to do", "select bool_and(e.advice like '%jobs.resume(''mail''%') from jobs.job j, jobs.explain(j.id) e where j.home_queue = 'mail'")
	dead("dead-1", "default", 1)
	until(t, pool, "its second death isolates it", `
		select exists (select from river.river_job where queue = 'alone' and metadata ->> 'deaths' = '2' and metadata ->> 'queue' = 'default')`)
	until(t, pool, "it waits while another runs", "select bool_and(state = 'available') from river.river_job where queue = 'alone'")
	close(quiet)
	until(t, pool, "it has run", "select state = 'completed' from river.river_job where queue = 'alone' and metadata ->> 'queue' = 'default'")
	if !alone.Load() {
		t.Error("it ran beside another job")
	}
	holds(t, pool, "the other waits until its queue goes on", "select state = 'available' from river.river_job where metadata ->> 'queue' = 'mail'")
	execute(t, pool, "update river.river_queue set paused_at = null")
	until(t, pool, "then it has run too", "select state = 'completed' from river.river_job where metadata ->> 'queue' = 'mail'")
	dead("dead-2", "alone", 2)
	until(t, pool, "the death of a worker that runs it isolated discards it", `select exists (select from river.river_job where state = 'discarded'
		and errors[1] ->> 'error' like '%alone: it is discarded as a poison pill' and errors[1] ->> 'code' = 'poison_pill'
		and metadata ->> 'rescue_code' = 'poison_pill')`)
	until(t, pool, "its attempt is recorded with the code", "select exists (select from jobs.attempt where outcome = 'discarded' and code = 'poison_pill' and worker = 'dead-2')")
	holds(t, pool, "and the view", "select exists (select from jobs.job where state = 'discarded' and last_error_code = 'poison_pill')")
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

// TestIsolatedInTurn: isolated jobs run one after the other before the worker returns to other jobs, and none waits for one of an
// unknown kind.
func TestIsolatedInTurn(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	const alone, others = 1000, 1
	var mu sync.Mutex
	var order []int // isolated jobs or others, in the order of their start
	var beside, together atomic.Int32
	running(t, pool, func(_ context.Context, job *stepJob) error {
		if n := beside.Add(1); n > 1 && job.Args.N == alone {
			together.Add(1)
		}
		defer beside.Add(-1)
		mu.Lock()
		order = append(order, job.Args.N)
		mu.Unlock()
		return nil
	})
	began := time.Now()
	execute(t, pool, "insert into river.river_job (kind, args, max_attempts, queue) values ('of_a_newer_release', '{}', 25, 'alone')")
	execute(t, pool, `insert into river.river_job (kind, args, max_attempts, queue) select 'test_step', jsonb_build_object('n', $1::int), 25, 'alone' from generate_series(1, 20)`, alone)
	for done := false; !done; { // other jobs are enqueued all the time
		enqueue(t, pool, others)
		if err := pool.QueryRow(t.Context(), "select count(*) = 20 from river.river_job where queue = 'alone' and state = 'completed'").Scan(&done); err != nil {
			t.Fatal(err)
		}
	}
	took, blocks := time.Since(began), 0
	mu.Lock()
	defer mu.Unlock()
	for i, n := range order {
		if n == alone && (i == 0 || order[i-1] != alone) {
			blocks++
		}
	}
	if together.Load() > 0 {
		t.Errorf("%d jobs ran beside others", together.Load())
	}
	if blocks > 1+int(took/(5*time.Second)) { // a turn ends after ten seconds, or where the next fetch takes five
		t.Errorf("they ran in %d turns within %s", blocks, took)
	}
}
