package work_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/riverqueue/river"

	"github.com/backlist/backlist/internal/testdb"
)

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
