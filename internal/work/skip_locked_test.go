package work

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"github.com/backlist/backlist/internal/testdb"
	"github.com/backlist/backlist/internal/work/pilot"
	"github.com/backlist/backlist/internal/work/record"
)

// TestLockedRowsArePassedOver: each statement that locks or changes several rows skips those that are locked. A statement that
// waited for the locked row would wait until its context ends.
func TestLockedRowsArePassedOver(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rows, lock string // lock locks one of two rows
		do         func(ctx context.Context, pool *pgxpool.Pool, o Options) error
		done       string // counts the rows that were handled: one
	}{
		"a rescue": {
			rows: `insert into work.worker (id, slots, lock_key, dead_at) values ('dead', 1, 1, now());
				insert into river.river_job (id, kind, args, max_attempts, state, attempt, attempted_at, attempted_by)
				select n, 'k', '{}', 25, 'running', 1, now(), '{dead}' from generate_series(1, 2) n`,
			lock: "select from river.river_job where id = 1 for update",
			do:   rescuing,
			done: "select count(*) from river.river_job where state = 'available'",
		},
		"a death": {
			rows: "insert into work.worker (id, slots, lock_key, seen_at) select n, 1, n, now() - interval '1 h' from generate_series(1, 2) n",
			lock: "select from work.worker where id = '1' for update",
			do:   rescuing,
			done: "select count(*) from work.worker where dead_at is not null",
		},
		"coming due": {
			rows: `insert into river.river_job (id, kind, args, max_attempts, state, scheduled_at)
				select n, 'k', '{}', 25, 'scheduled', now() - interval '1 s' from generate_series(1, 2) n`,
			lock: "select from river.river_job where id = 1 for update",
			do: func(ctx context.Context, pool *pgxpool.Pool, o Options) error {
				k, err := newMaintenance(pool, "me", o)
				if err == nil {
					_, err = k.comeDue(ctx)
				}
				return err
			},
			done: "select count(*) from river.river_job where state = 'available'",
		},
		"schedules": {
			rows: `insert into work.schedule (name, kind, args, opts, spec, zone, missed, next_at, dirty)
				select n, 'test', '{}', '{}', 'every 1h', 'UTC', 'once', now() - interval '1 s', false from generate_series(1, 2) n`,
			lock: "select from work.schedule where name = '1' for update",
			do: func(ctx context.Context, pool *pgxpool.Pool, o Options) error {
				k, err := newMaintenance(pool, "me", o)
				if err == nil {
					err = k.runSchedules(ctx)
				}
				return err
			},
			done: "select count(*) from work.tick",
		},
		"tidying": {
			rows: `insert into work.attempt (job_id, attempt, kind, queue, outcome, worker, release, due_at, started_at, ended_at)
				select n, 1, 'k', 'q', 'failed', 'w', 'v7', at, at, at from (select n, now() - interval '2 days' as at from generate_series(1, 2) n) a`,
			lock: "select from work.attempt where job_id = 1 for update",
			do:   func(ctx context.Context, pool *pgxpool.Pool, _ Options) error { return record.Tidy(ctx, pool) },
			done: "select 2 - count(*) from work.attempt",
		},
		"cleaning": {
			rows: `insert into river.river_job (id, kind, args, max_attempts, state, finalized_at)
				select n, 'k', '{}', 25, 'completed', now() - interval '2 days' from generate_series(1, 2) n`,
			lock: "select from river.river_job where id = 1 for update",
			do: func(ctx context.Context, pool *pgxpool.Pool, _ Options) error {
				_, err := (&pilot.Pilot{}).JobDeleteBefore(ctx, riverpgxv5.New(pool).GetExecutor(), &riverdriver.JobDeleteBeforeParams{
					CompletedDoDelete: true, CompletedFinalizedAtHorizon: time.Now().Add(-24 * time.Hour), Max: 1000, Schema: "river",
				})
				return err
			},
			done: "select 2 - count(*) from river.river_job",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := testdb.New(t)
			if _, err := pool.Exec(t.Context(), c.rows); err != nil {
				t.Fatal(err)
			}
			tx, err := pool.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
			if tag, err := tx.Exec(t.Context(), c.lock); err != nil || tag.RowsAffected() != 1 {
				t.Fatal(tag, err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			o := Options{Schema: "river", Release: "v7", Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Workers: NewWorkers()}
			if err := c.do(ctx, pool, o); err != nil {
				t.Fatal(err)
			}
			if n := sum(t, pool, c.done); n != 1 {
				t.Errorf("%d of two rows were handled while one was locked", n)
			}
		})
	}
}

func rescuing(ctx context.Context, pool *pgxpool.Pool, o Options) error {
	for up := false; !up; { // no worker is declared dead in the first 10 s of the server
		if err := pool.QueryRow(ctx, "select clock_timestamp() - pg_postmaster_start_time() > interval '10.1 s'").Scan(&up); err != nil {
			return err
		}
		sleep(ctx, 20*time.Millisecond)
	}
	r := rescuer{"me", o.Schema, record.NewRecorder(pool, "me", o.Recording()), o.Log}
	return r.rescue(ctx, pool, []int64{}, []int{})
}

func sum(t testing.TB, pool *pgxpool.Pool, sql string) (n int) {
	t.Helper()
	if err := pool.QueryRow(t.Context(), "select coalesce(("+sql+"), 0)::int").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
