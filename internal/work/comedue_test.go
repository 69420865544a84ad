package work_test

import (
	"context"
	"testing"
	"time"

	"github.com/backlist/backlist/internal/testdb"
)

// TestComingDue: of jobs with the same unique key one becomes available; the others are discarded, as River's leader does.
func TestComingDue(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	// States are, from the left: scheduled, running, retryable, pending, discarded, completed, cancelled, available.
	job := func(state, key, states string) (id int64) {
		err := pool.QueryRow(t.Context(), `insert into river.river_job (kind, args, max_attempts, state, scheduled_at, unique_key, unique_states, queue)
			values ('test_step', '{}', 25, $1::river.river_job_state, now() - interval '1 min' + (select count(*) from river.river_job) * interval '1 s',
				$2::text::bytea, $3::text::bit(8), 'nobody') returning id`, state, key, states).Scan(&id)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	const (
		noRetry   = "11010001" // a retryable job does not hold the key
		discarded = "11011001" // nor does it here, but a discarded one does
	)
	want := map[int64]string{
		job("retryable", "alone", noRetry):            "available",
		job("retryable", "duplicate waits", noRetry):  "discarded",
		job("available", "duplicate waits", noRetry):  "available",
		job("retryable", "two come due", noRetry):     "available",
		job("retryable", "two come due", noRetry):     "discarded",
		job("retryable", "one holds it", noRetry):     "discarded",
		job("scheduled", "one holds it", noRetry):     "available",
		job("retryable", "ever discarded", discarded): "discarded",
		job("available", "ever discarded", discarded): "available",
		job("scheduled", "every state", "11111101"):   "available",
	}
	var plain, later int64
	if err := pool.QueryRow(t.Context(), `insert into river.river_job (kind, args, max_attempts, state, queue, scheduled_at)
		values ('test_step', '{}', 25, 'retryable', 'nobody', now()) returning id`).Scan(&plain); err != nil {
		t.Fatal(err)
	}
	if err := pool.QueryRow(t.Context(), `insert into river.river_job (kind, args, max_attempts, state, queue, scheduled_at)
		values ('test_step', '{}', 25, 'scheduled', 'nobody', now() + interval '1 h') returning id`).Scan(&later); err != nil {
		t.Fatal(err)
	}
	want[plain], want[later] = "available", "scheduled"
	running(t, pool, nil)
	until(t, pool, "all have come due", "select count(*) = 1 from river.river_job where state in ('scheduled', 'retryable')")
	for id, state := range want {
		holds(t, pool, "a job is "+state+" as it should", `select state::text = $2 and (finalized_at is not null) = ($2 = 'discarded')
			and (metadata ->> 'unique_key_conflict' is not distinct from case when $2 = 'discarded' then 'scheduler_discarded' end)
			from river.river_job where id = $1`, id, state)
	}
}

// TestManyComeDue: more jobs come due than fit into a batch.
func TestManyComeDue(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	execute(t, pool, `insert into river.river_job (kind, args, max_attempts, state, queue, scheduled_at)
		select 'test_step', '{}', 25, 'scheduled', 'nobody', now() + n * interval '1 min' from generate_series(-2500, 2500) n`)
	running(t, pool, nil)
	until(t, pool, "all that are due have come due", "select count(*) = 2501 from river.river_job where state = 'available'")
}

// TestJobsComeDueWhoeverLeads: jobs run when their time has come although River's leader, here one that does nothing, never
// makes them available. The test logs how soon: within a second on an idle machine.
func TestJobsComeDueWhoeverLeads(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	execute(t, pool, `insert into river.river_leader (name, leader_id, elected_at, expires_at)
		values ('default', 'somebody', now(), now() + interval '1 hour')`)
	running(t, pool, func(context.Context, *stepJob) error { return nil })
	execute(t, pool, `insert into river.river_job (kind, args, max_attempts, state, attempt, scheduled_at)
		select 'test_step', '{}', 25, 'retryable', 1, now() + n * interval '300 ms' from generate_series(1, 8) n`)
	until(t, pool, "all have run", "select count(*) = 8 from river.river_job where state = 'completed'")
	var slowest time.Duration
	var early, led int
	if err := pool.QueryRow(t.Context(), `select max(attempted_at - scheduled_at), count(*) filter (where attempted_at < scheduled_at),
		(select count(*) from river.river_leader where leader_id = 'somebody') from river.river_job`).Scan(&slowest, &early, &led); err != nil {
		t.Fatal(err)
	}
	t.Logf("the slowest waited %s", slowest)
	if early != 0 || led != 1 {
		t.Errorf("%d jobs ran before their time; idle leaders: %d", early, led)
	}
}
