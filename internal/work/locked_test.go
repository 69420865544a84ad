package work_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/testdb"
	"github.com/backlist/backlist/internal/work"
	"github.com/backlist/backlist/internal/work/worktest"
)

// locking locks rows from another session until unlock is called.
func locking(t *testing.T, pool *pgxpool.Pool, sql string, args ...any) (unlock func()) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), pool.Config().ConnString())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tag, err := tx.Exec(t.Context(), sql+" for update", args...)
	if err != nil {
		t.Fatal(err)
	}
	if tag.RowsAffected() == 0 {
		t.Fatalf("nothing was locked by %s", sql)
	}
	return func() {
		if err := tx.Rollback(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// TestLockedOutcomes: only the job whose row another session has locked waits for it.
func TestLockedOutcomes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		outcome error
		want    string
	}{
		"completed": {nil, "state = 'completed' and attempt = 1 and errors is null"},
		"failed":    {errors.New("no such book"), "attempt >= 1 and errors[1] ->> 'error' = 'no such book' and cardinality(errors) = 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := testdb.New(t)
			begun, end := make(chan struct{}), make(chan struct{})
			running(t, pool, func(_ context.Context, job *stepJob) error {
				switch {
				case job.Args.N == 0 && job.Attempt == 1:
					close(begun)
					<-end
					return c.outcome
				case job.Args.N%2 == 1:
					return work.Permanent(errors.New("no such reader"))
				}
				return nil
			})
			locked := enqueue(t, pool, 0)
			<-begun
			unlock := locking(t, pool, "select from river.river_job where id = $1", locked)
			close(end)
			for n := range 8 {
				id := enqueue(t, pool, n+1)
				until(t, pool, "another job's outcome is stored", "select state in ('completed', 'cancelled') from river.river_job where id = $1", id)
			}
			holds(t, pool, "the locked job waits", "select state = 'running' from river.river_job where id = $1", locked)
			unlock()
			until(t, pool, c.want, "select "+c.want+" from river.river_job where id = $1", locked)
		})
	}
}

// TestLockedFence: a job does not keep a connection while it waits for its row, which another session has locked. Once it has
// the row, its effects wait for locks without a limit.
func TestLockedFence(t *testing.T) {
	t.Parallel()
	for name, fenced := range map[string]func(ctx context.Context, db work.DB, job *stepJob, effects func(pgx.Tx) error) error{
		"finish": work.Finish[stepArgs], "hold": work.Hold[stepArgs],
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := testdb.New(t)
			cfg := pool.Config()
			cfg.MaxConns = 1
			one, err := pgxpool.NewWithConfig(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer one.Close()
			begun, end := make(chan struct{}), make(chan struct{})
			running(t, pool, func(ctx context.Context, job *stepJob) error {
				if job.Args.N == 0 {
					close(begun)
					<-end
				}
				return fenced(ctx, one, job, func(tx pgx.Tx) error {
					var timeout string
					if err := tx.QueryRow(ctx, "show lock_timeout").Scan(&timeout); err != nil || timeout != "0" {
						return fmt.Errorf("the effects wait for locks for %s (%w)", timeout, err)
					}
					return nil
				})
			})
			locked := enqueue(t, pool, 0)
			<-begun
			unlock := locking(t, pool, "select from river.river_job where id = $1", locked)
			close(end)
			for n := range 3 {
				until(t, pool, "another job is done", "select state = 'completed' from river.river_job where id = $1", enqueue(t, pool, n+1))
			}
			holds(t, pool, "the locked job waits", "select state = 'running' from river.river_job where id = $1", locked)
			unlock()
			until(t, pool, "it is done", "select state = 'completed' and attempt = 1 and errors is null from river.river_job where id = $1", locked)
		})
	}
}

// TestStopWithLockedOutcome: a worker that stops while a job's row is locked leaves only that job to other workers.
func TestStopWithLockedOutcome(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	begun, end := make(chan struct{}, 2), make(chan struct{})
	o := options(t, func(context.Context, *stepJob) error {
		begun <- struct{}{}
		<-end
		return nil
	})
	_, stop := worktest.Start(t, pool, o)
	locked, free := enqueue(t, pool, 0), enqueue(t, pool, 1)
	<-begun
	<-begun
	unlock := locking(t, pool, "select from river.river_job where id = $1", locked)
	close(end)
	stop()
	holds(t, pool, "the other job is done", "select state = 'completed' from river.river_job where id = $1", free)
	unlock()
	running(t, pool, func(context.Context, *stepJob) error { return nil })
	until(t, pool, "it is done by another worker", "select state = 'completed' and attempt = 2 from river.river_job where id = $1", locked)
}

// TestLockedKind: a worker starts although the row of one of its kinds is locked, and registers the kind when the row is free.
func TestLockedKind(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	if _, err := pool.Exec(t.Context(), "insert into work.kind (kind, secrets, opts, release) values ('test_step', '{}', '{}', 'v6')"); err != nil {
		t.Fatal(err)
	}
	unlock := locking(t, pool, "select from work.kind")
	running(t, pool, func(context.Context, *stepJob) error { return nil })
	until(t, pool, "a job is done", "select state = 'completed' from river.river_job where id = $1", enqueue(t, pool, 1))
	unlock()
	until(t, pool, "the kind is known", "select release = 'v7' from work.kind where kind = 'test_step'")
}
