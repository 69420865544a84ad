package work_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/backlist/backlist/internal/testdb"
	"github.com/backlist/backlist/internal/work"
)

// TestRefusedOutcomes: if Postgres refuses a part of an outcome, the job is stored without it, an error of the job names it, and
// other jobs are not affected.
func TestRefusedOutcomes(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	outputs := []string{`"fine"`, `"\ud83d"`, `1e999999`, `"\ud83d"`, `"\ud83d"`, `"\ud83d"`}
	const failed, cancelled, finished = 3, 4, 5
	release := make(chan struct{})
	running(t, pool, func(ctx context.Context, job *stepJob) error {
		if err := river.RecordOutput(ctx, json.RawMessage(outputs[job.Args.N%len(outputs)])); err != nil {
			return err
		}
		if err := river.MetadataSet(ctx, "note", "kept"); err != nil {
			return err
		}
		<-release // so that many end at once
		switch {
		case job.Args.N == failed && job.Attempt == 1:
			return errors.New("no such book")
		case job.Args.N == cancelled:
			return river.JobCancel(errors.New("no such reader"))
		case job.Args.N == finished:
			return work.Finish(ctx, pool, job, func(pgx.Tx) error { return nil })
		}
		return nil
	})
	const says = "not stored: output, which the server refuses"
	for n, want := range []string{
		"state = 'completed' and metadata ->> 'output' = 'fine' and errors is null",
		"state = 'completed' and not metadata ? 'output' and errors[1] ->> 'error' like '" + says + "%22P02%'",
		"state = 'completed' and not metadata ? 'output' and errors[1] ->> 'error' like '" + says + "%22003%'",
		"not metadata ? 'output' and attempt >= 1 and errors[1] ->> 'error' like e'no such book\\n" + says + "%22P02%'",
		"state = 'cancelled' and not metadata ? 'output' and errors[1] ->> 'error' like e'JobCancelError: no such reader\\n" + says + "%22P02%'",
		"state = 'completed' and not metadata ? 'output' and errors[1] ->> 'error' like '" + says + "%22P02%'",
		"state = 'completed' and metadata ->> 'output' = 'fine' and errors is null",
	} {
		id := enqueue(t, pool, n)
		if n == len(outputs) {
			close(release)
		}
		defer until(t, pool, want, "select "+want+" and metadata ->> 'note' = 'kept' from river.river_job where id = $1", id)
	}
}

// TestRefusedTransition: a job whose next state Postgres refuses, because another job holds its unique key, is discarded.
func TestRefusedTransition(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	begun, release := make(chan struct{}, 2), make(chan struct{})
	running(t, pool, func(_ context.Context, job *stepJob) error {
		if job.Args.N == 0 {
			begun <- struct{}{}
			<-release
			return errors.New("try again")
		}
		return nil
	})
	id := enqueue(t, pool, 0)
	<-begun
	// Its key counts while it waits but not while it runs: other programs may insert such jobs.
	if _, err := pool.Exec(t.Context(), `update river.river_job set unique_key = 'k', unique_states = b'10111111' where id = $1`, id); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(t.Context(), `insert into river.river_job (kind, args, max_attempts, queue, state, scheduled_at, unique_key, unique_states)
		values ('test_step', '{"n": 1}', 25, 'later', 'available', now(), 'k', b'11111111')`); err != nil {
		t.Fatal(err)
	}
	close(release)
	until(t, pool, "it is discarded, and says why", `select state = 'discarded' and finalized_at is not null and unique_key is null
		and errors[1] ->> 'error' like e'try again\n%23505%' from river.river_job where id = $1`, id)
	until(t, pool, "another job is done", "select state = 'completed' from river.river_job where id = $1", enqueue(t, pool, 2))
}
