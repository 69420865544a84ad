package work_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"github.com/backlist/backlist/internal/testdb"
	"github.com/backlist/backlist/internal/work"
)

// TestNoWorkerAtAll: while there is only a web process, schedules run, jobs come due, a killed worker's job is rescued, and the
// process leads.
func TestNoWorkerAtAll(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	victim := another(t, pool)
	held := enqueue(t, pool, 1)
	until(t, pool, "the victim has the job", "select state = 'running' from river.river_job where id = $1", held)
	awaitServerStart(t, pool)
	if err := victim.Kill(); err != nil {
		t.Fatal(err)
	}
	maintaining(t, pool, options(t, nil))
	declare(t, pool, work.Schedule{Name: "it", Args: stepArgs{N: 3}, Spec: "every 1s", Missed: work.MissedOnce})
	var later int64
	if err := pool.QueryRow(t.Context(), `insert into river.river_job (kind, args, max_attempts, state, scheduled_at)
		values ('test_step', '{}', 25, 'scheduled', now() + interval '1 s') returning id`).Scan(&later); err != nil {
		t.Fatal(err)
	}
	heard := notices(t, pool)
	until(t, pool, "it has come due", "select state = 'available' and scheduled_at <= now() from river.river_job where id = $1", later)
	until(t, pool, "the schedule runs", "select exists (select from work.tick where outcome = 'enqueued')")
	until(t, pool, "the killed one's job is available", "select state = 'available' and metadata ->> 'deaths' = '1' from river.river_job where id = $1", held)
	if heard() == 0 {
		t.Error("no notice was sent")
	}
	until(t, pool, "the web process leads", "select leader_id like 'keeper/worker.1-%' and role = 'maintenance' from jobs.leader()")
	until(t, pool, "a job says why it waits", "select waiting = 'no_worker' from jobs.job where id = $1", held)
	until(t, pool, "the database says who rescues", "select status = 'warn' and advice like '%a web process%' from jobs.health where name = 'rescuer'")
	// The web process itself never works a job.
	execute(t, pool, "update river.river_job set queue = 'keeper'")
	ticks := count(t, pool, "select count(*) from work.tick")
	until(t, pool, "it has run since", "select count(*) >= $1::int + 2 from work.tick", ticks)
	holds(t, pool, "nothing has run", "select bool_and(attempt = 0 or id = $1) and not bool_or(state = 'running') from river.river_job", held)
}

// TestMaintainerThatNeverLed: a maintainer that stops before it has reached the database has no leadership to resign, and
// logs nothing about one.
func TestMaintainerThatNeverLed(t *testing.T) {
	t.Parallel()
	pool, err := pgxpool.New(t.Context(), "postgres://away@127.0.0.1:1/away?sslmode=disable") // nothing listens on port 1
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	var logged bytes.Buffer // read after Run has returned
	m, err := work.NewMaintainer(pool, optionsOf(slog.New(slog.NewTextHandler(&logged, nil)), nil))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	m.Run(ctx)
	if strings.Contains(logged.String(), "resign") {
		t.Error(logged.String())
	}
}

// TestMaintainerOutlastsAnOutage: a maintainer continues after an outage, and resigns as leader when it stops.
func TestMaintainerOutlastsAnOutage(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	cfg := pool.Config()
	cfg.ConnConfig.RuntimeParams["application_name"], cfg.MaxConns = "keeper", 2
	own, err := pgxpool.NewWithConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(own.Close)
	stop := maintaining(t, own, optionsOf(nil, nil))
	until(t, pool, "it leads", "select true from river.river_leader")
	declare(t, pool, work.Schedule{Name: "it", Args: stepArgs{}, Spec: "every 1s", Missed: work.MissedOnce})
	until(t, pool, "it runs", "select exists (select from work.tick)")
	for range 3 {
		until(t, pool, "it is cut off", "select bool_or(pg_terminate_backend(pid)) from pg_stat_activity where application_name = 'keeper' and datname = current_database()")
	}
	before := count(t, pool, "select count(*) from work.tick")
	until(t, pool, "it runs again", "select count(*) > $1 + 1 from work.tick", before)
	stop()
	until(t, pool, "it no longer leads", "select count(*) = 0 from river.river_leader")
}

// TestPauseIsKept: a queue stays paused although River's cleaner deletes the rows of queues that no worker has worked for a day.
func TestPauseIsKept(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	execute(t, pool, `insert into river.river_queue (name, paused_at, updated_at)
		values ('default', now(), now() - interval '3 days'), ('other', null, now() - interval '3 days')`)
	gone, err := riverpgxv5.New(pool).GetExecutor().QueueDeleteExpired(t.Context(), &riverdriver.QueueDeleteExpiredParams{
		Max: 1000, Schema: "river", UpdatedAtHorizon: time.Now().Add(-24 * time.Hour),
	})
	if err != nil || len(gone) != 1 || gone[0] != "other" {
		t.Fatalf("River has deleted %v, %v", gone, err)
	}
	ran := make(chan int64, 2)
	running(t, pool, func(_ context.Context, job *stepJob) error { ran <- job.ID; return nil })
	waits := enqueue(t, pool, 1)
	until(t, pool, "the worker has begun on the queue, and has looked", `select updated_at > now() - interval '1 day' from river.river_queue where name = 'default'`)
	holds(t, pool, "the job waits", "select state = 'available' from river.river_job where id = $1", waits)
	if err := inserter(t, pool).QueueResume(t.Context(), "default", nil); err != nil {
		t.Fatal(err)
	}
	if id := <-ran; id != waits {
		t.Error("another job ran")
	}
	holds(t, pool, "it was not run before it was resumed", "select attempt = 1 from river.river_job where id = $1", waits)
}
