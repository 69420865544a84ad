package work_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/riverqueue/river"

	"github.com/backlist/backlist/internal/testdb"
	"github.com/backlist/backlist/internal/work"
	"github.com/backlist/backlist/internal/work/worktest"
)

// TestLongTexts: texts of megabytes are shortened to kilobytes in the job's row, with a note of their length.
func TestLongTexts(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("451 try later ", 400_000) // 5.6 MB
	const says = "% … (5600000 bytes in all)"
	for name, c := range map[string]struct {
		do   func(ctx context.Context, job *stepJob) error
		want string
	}{
		"error":    {func(context.Context, *stepJob) error { return work.Permanent(errors.New(long)) }, "last_error like '% … (5600016 bytes in all)'"},
		"panic":    {func(context.Context, *stepJob) error { panic(long) }, "last_error like '" + says + "'"},
		"output":   {func(ctx context.Context, _ *stepJob) error { return river.RecordOutput(ctx, long) }, "last_error like 'not stored: output, which has 5600002 bytes%'"},
		"metadata": {func(ctx context.Context, _ *stepJob) error { return river.MetadataSet(ctx, "note", long) }, "last_error like 'not stored: note, which has 5600002 bytes%'"},
		"log": {func(ctx context.Context, _ *stepJob) error {
			work.Log(ctx).Info(long, "reply", long)
			return nil
		}, "logs::text like '" + says + "%" + says + "%'"},
		"progress": {func(ctx context.Context, _ *stepJob) error {
			work.Progress(ctx, 50, long)
			return nil
		}, "true"},
		"cursor": {func(ctx context.Context, job *stepJob) error {
			return work.Permanent(work.Advance(ctx, nil, job, long, nil))
		}, "last_error like '%the cursor has 5600002 bytes%'"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := testdb.New(t)
			worktest.Start(t, pool, optionsOf(nil, c.do))
			id := enqueue(t, pool, 1)
			until(t, pool, c.want, "select finished_at is not null or attempt > 0 and state <> 'running' from jobs.job where id = $1", id)
			holds(t, pool, c.want, "select "+c.want+" from jobs.job where id = $1", id)
			holds(t, pool, "it is small", "select length(metadata::text) + coalesce(length(errors::text), 0) < 64000 from river.river_job where id = $1", id)
			until(t, pool, "its attempt is small too", "select length(coalesce(error, '')) <= 8192 from work.attempt where job_id = $1", id)
		})
	}
}
