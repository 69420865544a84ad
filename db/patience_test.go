package db_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/db"
	"github.com/backlist/backlist/internal/testdb"
)

// brief is a patience for tests: its attempts are short, but there are enough of them for a slow machine to find the
// blockers.
func brief() db.Patience {
	return db.Patience{Lock: 100 * time.Millisecond, Pause: time.Millisecond, Tries: 8, Turn: 2 * time.Second}
}

// pauses is a log handler that calls a function after each failed attempt; the migration waits for it.
type pauses struct {
	slog.Handler
	do func()
}

func (p pauses) Handle(_ context.Context, r slog.Record) error {
	if r.Level == slog.LevelWarn {
		p.do()
	}
	return nil
}

func (p pauses) Enabled(context.Context, slog.Level) bool { return true }

func inPauses(do func()) *slog.Logger { return slog.New(pauses{slog.DiscardHandler, do}) }

// TestMigrateGivesUp: if a lock blocks any of its steps, the migration names the holder, and that step has changed
// nothing.
func TestMigrateGivesUp(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		step, pending, held string
		on, holds, wants    string
		through             string // a statement that would wait behind the migration
	}{
		{
			"migration 012_work_finite", "delete from work.migration where version = 12",
			"select from work.schedule", "work.schedule", "AccessShareLock", "AccessExclusiveLock", "select from work.schedule",
		},
		{
			"migration 011_work_tidy", "drop index work.tick_due; delete from work.migration where version in (11, 12)",
			"delete from work.tick", "work.tick", "RowExclusiveLock", "ShareLock", "delete from work.tick",
		},
		{
			"River's migration 008", "delete from river.river_migration where version = 8",
			"lock table river.river_migration in share mode", "river.river_migration", "ShareLock", "RowExclusiveLock", "select from river.river_migration",
		},
		{
			"replace schema jobs", "comment on schema jobs is 'an older text'; delete from work.migration where version = 12",
			"select from jobs.live", "jobs.live", "AccessShareLock", "AccessExclusiveLock", "select from work.release",
		},
		{
			"read the schema's version", "select 1",
			"lock table work.migration in access exclusive mode", "work.migration", "AccessExclusiveLock", "AccessShareLock", "select from work.release",
		},
		{
			"wait for another migration to end", "delete from work.migration where version = 12",
			"select pg_advisory_xact_lock(x'6261636b6c697374'::bigint)", "the lock of migrations", "ExclusiveLock", "ExclusiveLock", "select from work.release",
		},
	} {
		t.Run(c.step, func(t *testing.T) {
			t.Parallel()
			pool := testdb.New(t)
			do(t, pool, c.pending)
			const state = `select concat_ws(' ', (select array_agg(version order by version) from work.migration where version <> 12),
				(select array_agg(version order by version) from river.river_migration), obj_description('jobs'::regnamespace, 'pg_namespace'), to_regclass('work.tick_due'))`
			before := ask(t, pool, state)
			holder := hold(t, pool, c.held)
			paused := 0
			err := brief().Migrate(t.Context(), pool, inPauses(func() {
				paused++
				do(t, pool, "set lock_timeout = '1 min'; "+c.through+"; reset lock_timeout")
			}))
			blocked, ok := errors.AsType[*db.BlockedError](err)
			if !ok || blocked.Step != c.step || len(blocked.Blockers) != 1 {
				t.Fatalf("%v", err)
			}
			b := blocked.Blockers[0]
			if b.PID != int(holder.Conn().PgConn().PID()) || b.Application != "the holder" || b.State != "idle in transaction" || b.Age <= 0 ||
				b.Query != c.held || b.On != c.on || b.Holds != c.holds || b.Wants != c.wants {
				t.Errorf("%+v", b)
			}
			if paused == 0 {
				t.Error("it gave up after one attempt")
			}
			if c.step == "replace schema jobs" && strings.Join(blocked.Done, " ") != "migration 012_work_finite" {
				t.Errorf("done: %v", blocked.Done)
			}

			if err := holder.Rollback(t.Context()); err != nil {
				t.Fatal(err)
			}
			if after := ask(t, pool, state); after != before {
				t.Errorf("before %s\nafter  %s", before, after)
			}
			if err := brief().Migrate(t.Context(), pool, slog.New(slog.DiscardHandler)); err != nil {
				t.Errorf("after the lock was released: %v", err)
			}
			if err := db.Check(t.Context(), pool); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestMigrateTriesAgain: statements queued behind the migration run in its pauses, and it succeeds as soon as the lock
// is released.
func TestMigrateTriesAgain(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	do(t, pool, "delete from work.migration where version = 12")
	holder := hold(t, pool, "select from work.schedule")

	// A client that reads repeatedly: some of its statements queue behind the migration.
	ctx, stop := context.WithCancel(t.Context())
	reads, ended := make(chan error), make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			_, err := pool.Exec(ctx, "select from work.schedule")
			select {
			case reads <- err:
			case <-ctx.Done():
			}
		}
	}()
	pause := 0
	err := brief().Migrate(t.Context(), pool, inPauses(func() {
		for range 3 { // the first may have been waiting, the others began in the pause
			if err := <-reads; err != nil {
				t.Error(err)
			}
		}
		if pause++; pause == 2 {
			_ = holder.Rollback(t.Context())
		}
	}))
	stop()
	<-ended
	if err != nil || pause != 2 {
		t.Errorf("after %d pauses: %v", pause, err)
	}
	if err := db.Check(t.Context(), pool); err != nil {
		t.Error(err)
	}
}

// TestMigrateInterleaved: between its steps a migration holds no lock, which through a pooler would stay with a session of
// another client; and what another migration has done meanwhile it does not do again.
func TestMigrateInterleaved(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	do(t, pool, "delete from work.migration where version = 12; delete from river.river_migration where version = 8")
	holder := hold(t, pool, "select from work.schedule")
	other := false
	err := brief().Migrate(t.Context(), pool, inPauses(func() {
		if other {
			return
		}
		other = true
		_ = holder.Rollback(t.Context())
		if err := brief().Migrate(t.Context(), pool, slog.New(slog.DiscardHandler)); err != nil {
			t.Errorf("the other migration: %v", err)
		}
	}))
	if err != nil || !other {
		t.Errorf("interleaved: %t, %v", other, err)
	}
	if err := db.Check(t.Context(), pool); err != nil {
		t.Error(err)
	}
}

// TestMigrateAfterADeadlock: a step that Postgres cancels to resolve a deadlock is retried.
func TestMigrateAfterADeadlock(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	tries := 0
	err := brief().Step(t.Context(), pool, slog.New(slog.DiscardHandler), "once", func(tx pgx.Tx) error {
		if tries++; tries == 1 {
			_, err := tx.Exec(t.Context(), "do $$ begin raise exception 'deadlock detected' using errcode = '40P01'; end $$")
			return err
		}
		return nil
	})
	if err != nil || tries != 2 {
		t.Errorf("%d attempts: %v", tries, err)
	}
}

// hold runs sql in a transaction that stays open, on a connection with an application name.
func hold(t *testing.T, pool *pgxpool.Pool, sql string) pgx.Tx {
	t.Helper()
	cfg := pool.Config().ConnConfig.Copy()
	cfg.RuntimeParams["application_name"] = "the holder"
	conn, err := pgx.ConnectConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	do(t, tx, sql)
	return tx
}
