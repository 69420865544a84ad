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

// peer registers a worker with the given last heartbeat and lock.
func peer(t *testing.T, pool *pgxpool.Pool, id, silent string, lock int64, locked bool) {
	t.Helper()
	_, err := pool.Exec(t.Context(), `insert into work.worker (id, slots, lock_key, locked, seen_at)
		values ($1, 1, $2, $3, clock_timestamp() - $4::interval)`, id, lock, locked, silent)
	if err != nil {
		t.Fatal(err)
	}
}

// TestLockKeepsAlive: a worker whose session lock is held may be silent for longer; once the lock is gone, it is declared dead.
func TestLockKeepsAlive(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	running(t, pool, nil)
	awaitServerStart(t, pool)
	for n, began := int64(0), time.Now(); ; n++ {
		id, lock := fmt.Sprintf("peer-%d", n), 5<<32+n
		conn, err := pgx.Connect(t.Context(), pool.Config().ConnString())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Exec(t.Context(), "select pg_advisory_lock($1)", lock); err != nil {
			t.Fatal(err)
		}
		peer(t, pool, id, "3 s", lock, true)
		until(t, pool, "it has been silent for 6 s", "select clock_timestamp() - seen_at > interval '6 s' from work.worker where id = $1", id)
		holds(t, pool, "while its lock is held it is declared dead after 12 s only", "select dead_at is null or dead_at - seen_at > interval '12 s' from work.worker where id = $1", id)
		_ = conn.Close(t.Context())
		until(t, pool, "it is dead", "select dead_at is not null from work.worker where id = $1", id)
		if count(t, pool, "select count(*) from work.worker where dead_at - seen_at < interval '11 s'") == 1 {
			return
		}
		if time.Since(began) > time.Minute { // a busy machine may be late more than once
			t.Fatal("without its lock it was declared dead no sooner")
		}
	}
}

// TestNoRescueAfterReconnect: a worker that had to reconnect declares no other dead for 10 s.
func TestNoRescueAfterReconnect(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	w := running(t, pool, nil)
	awaitServerStart(t, pool)
	const line = "from pg_stat_activity where application_name = 'backlist ' || $1"
	var pid int
	if err := pool.QueryRow(t.Context(), "select pid "+line, w.ID()).Scan(&pid); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(t.Context(), "select pg_terminate_backend($1)", pid); err != nil {
		t.Fatal(err)
	}
	until(t, pool, "it has connected again", "select exists (select "+line+" and pid <> $2)", w.ID(), pid)
	var connected time.Time
	if err := pool.QueryRow(t.Context(), "select backend_start "+line, w.ID()).Scan(&connected); err != nil {
		t.Fatal(err)
	}
	peer(t, pool, "peer", "1 min", 1, false)
	until(t, pool, "it was declared dead", "select dead_at is not null from work.worker where id = 'peer'")
	holds(t, pool, "10 s had passed", "select dead_at - $1 > interval '9.9 s' from work.worker where id = 'peer'", connected)
}

// TestDeclaredDead: a worker that learns that it was declared dead cancels its jobs and continues.
func TestDeclaredDead(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	begun, ended := make(chan struct{}, 2), make(chan error, 2)
	w := running(t, pool, func(ctx context.Context, job *stepJob) error {
		begun <- struct{}{}
		if job.Args.N == 1 {
			return nil
		}
		<-ctx.Done()
		ended <- context.Cause(ctx)
		return ctx.Err()
	})
	id := enqueue(t, pool, 0)
	<-begun
	_, err := pool.Exec(t.Context(), `with dead as (update work.worker set dead_at = now() where id = $1)
		update river.river_job set attempt = 2, attempted_by = '{someone else}' where id = $2`, w.ID(), id)
	if err != nil {
		t.Fatal(err)
	}
	if cause := <-ended; !errors.Is(cause, work.ErrLost) {
		t.Errorf("it ended because of %v", cause)
	}
	until(t, pool, "it lives", "select dead_at is null from work.worker where id = $1", w.ID())
	enqueue(t, pool, 1)
	<-begun
}

// TestSelfStop: a worker whose heartbeats are not confirmed cancels its jobs before others take them, but not as soon as one
// heartbeat is late, and hands them back.
func TestSelfStop(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	begun, ended := make(chan struct{}, 2), make(chan time.Time, 2)
	o := options(t, func(ctx context.Context, _ *stepJob) error {
		begun <- struct{}{}
		<-ctx.Done()
		ended <- time.Now()
		return ctx.Err()
	})
	o.Grace = 50 * time.Millisecond // the job goes on until then
	w, _ := worktest.Start(t, pool, o)
	id := enqueue(t, pool, 0)
	<-begun
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	var beat time.Time
	if err := tx.QueryRow(t.Context(), "select seen_at from work.worker where id = $1 for update", w.ID()).Scan(&beat); err != nil { // the next waits for it
		t.Fatal(err)
	}
	took := (<-ended).Sub(beat)
	t.Logf("its job was ended %s after the last beat", took)
	if took < 6*time.Second {
		t.Errorf("its job was cancelled only %s after the last heartbeat", took)
	}
	holds(t, pool, "it was not declared dead", "select dead_at is null from work.worker where id = $1", w.ID())
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-begun
	until(t, pool, "no attempt was spent", "select state = 'running' and attempt = 1 and errors is null from river.river_job where id = $1", id)
}

// TestRescueIsAnnounced: a rescued job does not wait for a poll.
func TestRescueIsAnnounced(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	running(t, pool, func(context.Context, *stepJob) error { return nil })
	heard := notices(t, pool)
	peer(t, pool, "peer", "1 min", 1, false)
	if _, err := pool.Exec(t.Context(), "update work.worker set dead_at = now() where id = 'peer'"); err != nil {
		t.Fatal(err)
	}
	id := runningFor(t, pool, "peer", "0 s", "{}")
	until(t, pool, "it is done", "select state = 'completed' from river.river_job where id = $1", id)
	if heard() == 0 {
		t.Error("no notice was sent")
	}
}

// TestFenceOfTheCompleter: an outcome is stored only if both the attempt and the worker match.
func TestFenceOfTheCompleter(t *testing.T) {
	t.Parallel()
	for name, meanwhile := range map[string]string{
		"another attempt": "attempt = attempt + 1",
		"another worker":  "attempted_by = array_append(attempted_by, 'someone else')",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := testdb.New(t)
			begun, end := make(chan struct{}), make(chan struct{})
			running(t, pool, func(_ context.Context, job *stepJob) error {
				if job.Args.N == 0 {
					close(begun)
					<-end
				}
				return nil
			})
			id := enqueue(t, pool, 0)
			<-begun
			if _, err := pool.Exec(t.Context(), "update river.river_job set "+meanwhile+" where id = $1", id); err != nil {
				t.Fatal(err)
			}
			close(end)
			// Of two jobs that end after it the later is stored in a later batch, or in the same.
			for range 2 {
				until(t, pool, "a later one is stored", "select state = 'completed' from river.river_job where id = $1", enqueue(t, pool, 1))
			}
			if n := count(t, pool, "select count(*) from river.river_job where state = 'running'"); n != 1 {
				t.Error("the late attempt ended the job of another attempt")
			}
		})
	}
}

// TestHoldLocksTheJob: no other session can take the job while effects run.
func TestHoldLocksTheJob(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	free := make(chan int, 1)
	running(t, pool, func(ctx context.Context, job *stepJob) error {
		return work.Hold(ctx, pool, job, func(pgx.Tx) error {
			free <- count(t, pool, "select count(*) from (select from river.river_job for update skip locked) unlocked")
			return nil
		})
	})
	enqueue(t, pool, 0)
	if <-free != 0 {
		t.Error("another session can lock the job's row")
	}
}
