package work_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/riverqueue/river"

	"github.com/backlist/backlist/internal/testdb"
	"github.com/backlist/backlist/internal/work"
	"github.com/backlist/backlist/internal/work/worktest"
)

// TestBriefOutcomes: a handler's error, panic or wish is stored with its own job as River stores it, its effects are dropped, and the
// others in the batch complete.
func TestBriefOutcomes(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	pool, o := briefly(t, func(ctx context.Context, job *river.Job[noteArgs], fx *work.Effects) error {
		_ = note(ctx, job, fx)
		switch job.Args.N {
		case 1:
			return boom
		case 2:
			panic("boom")
		case 3:
			return work.Permanent(boom)
		case 4:
			return river.JobSnooze(time.Hour)
		case 5:
			return work.RetryAfter(boom, 10*time.Minute)
		case 6:
			fx.Exec("; commit")
		case 7:
			fx.Exec("/* */ savepoint a")
			return boom
		case 8:
			work.Log(ctx).InfoContext(ctx, "a line")
		}
		return nil
	})
	enqueueNotes(t, pool, o, 1, 30)
	if _, err := pool.Exec(t.Context(), `insert into river.river_job (kind, queue, args, max_attempts) values ('test_note', 'notes', '{"n": "one"}', 25);
		update river.river_job set max_attempts = 1 where args @> '{"n": 7}'`); err != nil {
		t.Fatal(err)
	}
	worktest.Start(t, pool, o)
	until(t, pool, "all jobs were run once", "select bool_and(state <> 'available') from river.river_job")
	for n, want := range map[string]string{
		"1": "retryable 1 boom", "2": "retryable 1 boom", "3": "cancelled 1 JobCancelError: boom", "4": "scheduled 0 -", "5": "retryable 1 boom",
		"6": "retryable 1 an effect may not", "7": "discarded 1 boom", "8": "completed 1 -", "one": "scheduled 0 -",
	} {
		var got string
		err := pool.QueryRow(t.Context(), `select state || ' ' || attempt || ' ' || coalesce(last_error, '-') from jobs.job where args ->> 'n' = $1`, n).Scan(&got)
		if err != nil || !strings.HasPrefix(got, want) {
			t.Errorf("job %s: %q, wanted %q (%v)", n, got, want, err)
		}
	}
	var right bool
	err := pool.QueryRow(t.Context(), `select (select count(*) from note) = 23 and
		(select scheduled_at - now() between interval '9 min' and interval '13 min' from jobs.job where args ->> 'n' = '5') and
		(select scheduled_at - now() between interval '59 min' and interval '60 min' and metadata ->> 'snoozes' = '1' from jobs.job where args ->> 'n' = '4') and
		(select waiting = 'unreadable' and held like 'the arguments%' from jobs.job where args ->> 'n' = 'one') and
		(select logs -> 0 ->> 'log' like '%a line%' from jobs.job where args ->> 'n' = '8') and
		(select errors[1] ->> 'trace' like '%brief_outcome_test%' from jobs.job where args ->> 'n' = '2')`).Scan(&right)
	if err != nil || !right {
		t.Errorf("a detail is wrong (%v)", err)
	}
	until(t, pool, "the outcomes are recorded", `select string_agg(outcome, ' ' order by outcome)
		= 'cancelled discarded failed failed failed failed held snoozed' from work.attempt where outcome <> 'completed'`)
}

// TestBriefMoved: jobs that do not fit into a batch run in the ordinary lane, once, and the others in their batches.
func TestBriefMoved(t *testing.T) {
	t.Parallel()
	pool, o := briefly(t, func(ctx context.Context, job *river.Job[noteArgs], fx *work.Effects) error {
		alone := job.Queue == "singly"
		switch {
		case job.Args.N == 3 && !alone: // heeds its context
			<-ctx.Done()
		case job.Args.N == 5 && !alone: // ignores it
			time.Sleep(700 * time.Millisecond)
		case job.Args.N == 7:
			for range 100_000 {
				fx.Exec("select 1")
			}
		case job.Args.N == 9: // refused by the server
			fx.Exec("insert into note (n) values ('nine')")
		case job.Args.N == 11: // it cannot be prepared
			fx.Exec("select from nowhere")
		case job.Args.N == 13: // it cannot be sent
			fx.Exec("select $1::int", struct{}{})
		case job.Args.N == 15: // the commit fails
			fx.Exec("insert into note (n) values (1000), (1000)")
		}
		return note(ctx, job, fx)
	})
	if _, err := pool.Exec(t.Context(), "alter table note add unique (n) deferrable initially deferred"); err != nil {
		t.Fatal(err)
	}
	enqueueNotes(t, pool, o, 1, 100)
	worktest.Start(t, pool, o)
	until(t, pool, "all jobs ran", `select bool_and(state in ('completed', 'retryable')) from river.river_job`)
	rows, err := pool.Query(t.Context(), `select (args ->> 'n')::int, queue, state::text, attempt, home_queue from jobs.job where queue <> 'notes' or attempt <> 1 or state <> 'completed' order by 1`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	moved := map[int]string{}
	for rows.Next() {
		var n, attempt int
		var queue, state string
		var home *string
		if err := rows.Scan(&n, &queue, &state, &attempt, &home); err != nil {
			t.Fatal(err)
		}
		if queue != "singly" || attempt < 1 || home == nil || *home != "notes" {
			t.Errorf("job %d: %s, attempt %d in %s", n, state, attempt, queue)
		}
		moved[n] = state
	}
	for n, want := range map[int]string{3: "completed", 5: "completed", 7: "completed", 9: "retryable", 11: "retryable", 13: "retryable", 15: "retryable"} {
		if moved[n] != want {
			t.Errorf("job %d is %q in the ordinary lane, wanted %q", n, moved[n], want)
		}
		delete(moved, n)
	}
	for n, state := range moved { // on a busy machine a handler may exceed the time limit in a batch
		if state != "completed" {
			t.Errorf("job %d, which did no harm, is %q in the ordinary lane", n, state)
		}
	}
	var effects int
	if err := pool.QueryRow(t.Context(), "select count(*) from note where job_id is not null").Scan(&effects); err != nil || effects != 96 {
		t.Errorf("%d effects (%v)", effects, err)
	}
}

// refusingArgs is an ordinary kind in the brief kind's queue.
type refusingArgs struct{ noteArgs }

func (refusingArgs) Kind() string { return "test_ordinary" }

// twinArgs is a brief kind in the other's queue.
type twinArgs struct{ noteArgs }

func (twinArgs) Kind() string { return "test_twin" }

// homelessArgs is a brief kind without a queue.
type homelessArgs struct{}

func (homelessArgs) Kind() string { return "test_homeless" }

type idle[T river.JobArgs] struct{}

func (idle[T]) Work(context.Context, *river.Job[T], *work.Effects) error { return nil }

// TestBriefQueues: a worker does not start whose brief kinds share queues.
func TestBriefQueues(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	for name, register := range map[string]func(o *work.Options){
		"with an ordinary kind": func(o *work.Options) {
			work.AddWorker(o.Workers, river.WorkFunc(func(context.Context, *river.Job[refusingArgs]) error { return nil }))
		},
		"with another brief kind": func(o *work.Options) { work.AddBrief(o.Workers, idle[twinArgs]{}, work.Brief{}) },
		"without a queue":         func(o *work.Options) { work.AddBrief(o.Workers, idle[homelessArgs]{}, work.Brief{}) },
	} {
		o := options(t, nil)
		work.AddBrief(o.Workers, idle[noteArgs]{}, work.Brief{})
		register(&o)
		if _, err := work.NewWorker(pool, o); err == nil || !strings.Contains(err.Error(), "queue of its own") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
