package work

import (
	"bytes"
	"log/slog"
	"testing"
	"time"

	"github.com/backlist/backlist/internal/testdb"
)

// TestProgressTakenMeanwhile: progress that was taken to be stored with the job's completion is not written after it.
func TestProgressTakenMeanwhile(t *testing.T) {
	t.Parallel()
	var logged bytes.Buffer
	now := time.Now()
	pool := testdb.New(t)
	r := &run{
		worker:  &Worker{pool: pool, opts: Options{Schema: "river", Log: slog.New(slog.NewTextHandler(&logged, nil))}},
		job:     &jobRow{Attempt: 1, AttemptedAt: &now, AttemptedBy: []string{"w"}},
		reports: reports{shown: true, next: now.Add(time.Hour)},
	}
	err := pool.QueryRow(t.Context(), `insert into river.river_job (kind, args, max_attempts, state, attempt, attempted_by)
		values ('k', '{}', 25, 'running', 1, '{w}') returning id`).Scan(&r.job.ID)
	if err != nil {
		t.Fatal(err)
	}
	r.report(50, "half of it")
	if r.takeProgress() == nil {
		t.Fatal("nothing was taken")
	}
	r.writeProgress()
	if logged.Len() > 0 {
		t.Error(logged.String())
	}
	if sum(t, pool, "select count(*) from river.river_job where metadata = '{}'") != 1 {
		t.Error("the row has progress")
	}
	r.report(60, "a little more")
	r.writeProgress()
	if sum(t, pool, "select count(*) from river.river_job where metadata -> 'progress' ->> 'percent' = '60'") != 1 {
		t.Error("the row has no progress")
	}
}
