package work_test

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"

	"github.com/backlist/backlist/internal/testdb"
	"github.com/backlist/backlist/internal/work"
	"github.com/backlist/backlist/internal/work/worktest"
)

// throughPooler is what a URL of a pooler has; internal/app puts it there.
const throughPooler = "default_query_exec_mode=cache_describe"

// TestThroughAPooler: workers without notices and session locks still work, cancel, drain and rescue, only later.
func TestThroughAPooler(t *testing.T) {
	t.Parallel()
	direct := testdb.New(t)
	pool, err := pgxpool.New(t.Context(), worktest.Pooler(t, direct.Config().ConnString())+"&"+throughPooler)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	victim := another(t, pool)
	stuck := enqueue(t, direct, 1)
	until(t, direct, "the victim has the job", "select state = 'running' from river.river_job where id = $1", stuck)

	cancelled := make(chan struct{})
	o := options(t, func(ctx context.Context, job *river.Job[stepArgs]) error {
		if job.Args.N == 3 {
			<-ctx.Done()
			close(cancelled)
			return ctx.Err()
		}
		return work.Finish(ctx, pool, job, func(pgx.Tx) error { return nil })
	})
	o.PollOnly = true
	w, stop := worktest.Start(t, pool, o)
	done := "select state = 'completed' and attempted_by[array_upper(attempted_by, 1)] = $2 from river.river_job where id = $1"
	if _, err := direct.Exec(t.Context(), "update work.worker set draining = true where id <> $1", w.ID()); err != nil {
		t.Fatal(err)
	}
	until(t, direct, "the victim drains", "select bool_and(drained_at is not null) from work.worker where id <> $1", w.ID())
	until(t, direct, "a job is done", done, enqueue(t, direct, 2), w.ID())

	long := enqueue(t, direct, 3)
	until(t, direct, "the long job runs", "select state = 'running' from river.river_job where id = $1", long)
	if _, err := inserter(t, direct).JobCancel(t.Context(), long); err != nil {
		t.Fatal(err)
	}
	<-cancelled
	until(t, direct, "the job is cancelled", "select state = 'cancelled' from river.river_job where id = $1", long)

	awaitServerStart(t, direct)
	if err := victim.Kill(); err != nil {
		t.Fatal(err)
	}
	until(t, direct, "the victim's job is done elsewhere", done, stuck, w.ID())
	stop()
	until(t, direct, "the worker has deregistered", "select stopped_at is not null from work.worker where id = $1", w.ID())
}

// pollOnly says whether a worker that a test starts is to do without notices.
func pollOnly(databaseURL string) bool { return strings.Contains(databaseURL, throughPooler) }
