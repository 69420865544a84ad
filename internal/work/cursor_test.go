package work_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/testdb"
	"github.com/backlist/backlist/internal/work"
	"github.com/backlist/backlist/internal/work/worktest"
)

const chunks = 40

// chunk is a long job: each of its steps inserts a row, of which nothing would refuse a duplicate. It runs up to the step upTo
// and waits there, in the middle of the step.
func chunk(pool *pgxpool.Pool, upTo int) func(ctx context.Context, job *stepJob) error {
	return func(ctx context.Context, job *stepJob) error {
		var done int
		if _, err := work.Cursor(job, &done); err != nil {
			return err
		}
		for ; done < chunks; done++ {
			err := work.Advance(ctx, pool, job, done+1, func(tx pgx.Tx) error {
				_, err := tx.Exec(ctx, "insert into chunk (n, attempt) values ($1, $2)", done, job.Attempt)
				if done == upTo {
					<-ctx.Done()
					err = ctx.Err()
				}
				return err
			})
			if err != nil {
				return fmt.Errorf("chunk %d: %w", done, err)
			}
		}
		return work.Finish(ctx, pool, job, func(pgx.Tx) error { return nil })
	}
}

func allChunksOnce(t *testing.T, pool *pgxpool.Pool, id int64) {
	t.Helper()
	until(t, pool, "the job is done", "select state = 'completed' from river.river_job where id = $1", id)
	holds(t, pool, "each chunk was done once", fmt.Sprintf("select count(*) = %d and count(distinct n) = %[1]d and min(n) = 0 and max(n) = %[1]d - 1 from chunk", chunks))
	holds(t, pool, "more than one attempt did them", "select count(distinct attempt) > 1 from chunk")
	until(t, pool, "if it is run once more it starts from the beginning", "select not metadata ? 'cursor' from river.river_job where id = $1", id)
}

// TestCursorSurvivesKills: workers are killed repeatedly in the middle of a long job, and each step's effect is there once.
func TestCursorSurvivesKills(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	execute(t, pool, "create table chunk (n int, attempt int)")
	awaitServerStart(t, pool)
	id := enqueue(t, pool, 1)
	maintaining(t, pool, options(t, nil)) // rescues dead workers' jobs
	for _, upTo := range []int{5, 15} {
		victim := anotherOf(t, pool, fmt.Sprint("chunk ", upTo))
		until(t, pool, "it has come some way", "select count(*) = $1 from chunk", upTo)
		if err := victim.Kill(); err != nil {
			t.Fatal(err)
		}
	}
	// From the second death on the job runs isolated, which makes no difference here.
	anotherOf(t, pool, fmt.Sprint("chunk ", chunks))
	allChunksOnce(t, pool, id)
}

// TestCursorSurvivesAStop: a job that a stop hands back continues at its cursor.
func TestCursorSurvivesAStop(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	execute(t, pool, "create table chunk (n int, attempt int)")
	o := options(t, func(ctx context.Context, job *stepJob) error {
		if job.Metadata == nil {
			return errors.New("no metadata")
		}
		return chunk(pool, 5)(ctx, job)
	})
	o.Grace = 20 * time.Millisecond
	id := enqueue(t, pool, 1)
	_, stop := worktest.Start(t, pool, o)
	until(t, pool, "it has come some way", "select count(*) = 5 from chunk")
	stop()
	holds(t, pool, "no attempt was spent", "select state = 'available' and attempt = 0 and (metadata ->> 'cursor')::int = 5 from river.river_job where id = $1", id)
	execute(t, pool, "update chunk set attempt = 0")
	running(t, pool, chunk(pool, chunks))
	allChunksOnce(t, pool, id)
}

// TestAdvanceIsFenced: an attempt that has lost its job does no further step, and a failed step stores nothing.
func TestAdvanceIsFenced(t *testing.T) {
	t.Parallel()
	tx := testdb.Tx(t)
	boom := errors.New("boom")
	_, err := finishIn(t, tx, func(ctx context.Context, job *stepJob) error {
		var at struct{ Line int }
		if kept, err := work.Cursor(job, &at); kept || err != nil {
			t.Errorf("a new job has a cursor: %v, %v", at, err)
		}
		add := func(err error) func(pgx.Tx) error {
			return func(tx pgx.Tx) error {
				_, execErr := tx.Exec(ctx, "insert into subject (key, name) values (gen_random_uuid()::text, 'step')")
				return errors.Join(err, execErr)
			}
		}
		at.Line = 7
		if err := work.Advance(ctx, tx, job, at, add(nil)); err != nil {
			t.Error(err)
		}
		at.Line = 8
		if err := work.Advance(ctx, tx, job, at, add(boom)); !errors.Is(err, boom) {
			t.Errorf("%v, want boom", err)
		}
		if _, err := tx.Exec(ctx, "update river.river_job set attempt = attempt + 1 where id = $1", job.ID); err != nil {
			t.Error(err)
		}
		if err := work.Advance(ctx, tx, job, at, add(nil)); !errors.Is(err, work.ErrLost) {
			t.Errorf("%v, want ErrLost", err)
		}
		if n := count(t, tx, "select count(*) from subject where name = 'step'"); n != 1 {
			t.Errorf("%d steps were kept", n)
		}
		if n := count(t, tx, "select (metadata -> 'cursor' ->> 'Line')::int from river.river_job"); n != 7 {
			t.Errorf("the cursor is at %d", n)
		}
		_, err := tx.Exec(ctx, "update river.river_job set attempt = attempt - 1 where id = $1", job.ID)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// doing is the work of jobs in the process of another worker.
func doing(pool *pgxpool.Pool, does string) func(ctx context.Context, job *stepJob) error {
	var upTo int
	if _, err := fmt.Sscanf(does, "chunk %d", &upTo); err == nil {
		return chunk(pool, upTo)
	}
	switch does {
	case "tick", "tick of an older release":
		return func(context.Context, *stepJob) error { return nil }
	}
	return func(ctx context.Context, _ *stepJob) error {
		<-ctx.Done()
		return ctx.Err()
	}
}
