package pilot

import (
	"context"
	_ "embed"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivershared/riverpilot"

	"github.com/backlist/backlist/db"
)

//go:embed sql/delete_finished.sql
var deleteFinishedSQL string

// River looks for these two at run time only.
var (
	_ riverpilot.PilotJobDeleter = (*Pilot)(nil)
	_ riverpilot.PilotJobRescuer = (*Pilot)(nil)
)

// JobDeleteBefore deletes finished jobs that have been kept long enough, the oldest first, for River's cleaner. River looks
// for them in the order of their ids and reads every job that is not old enough, every 30 s; here each state's oldest are
// the first of an index.
func (p *Pilot) JobDeleteBefore(ctx context.Context, exec riverdriver.Executor, params *riverdriver.JobDeleteBeforeParams) (int, error) {
	deleted := 0
	for _, state := range []struct {
		name   string
		delete bool
		before time.Time
	}{
		{"completed", params.CompletedDoDelete, params.CompletedFinalizedAtHorizon},
		{"cancelled", params.CancelledDoDelete, params.CancelledFinalizedAtHorizon},
		{"discarded", params.DiscardedDoDelete, params.DiscardedFinalizedAtHorizon},
	} {
		if !state.delete || deleted >= params.Max {
			continue
		}
		var n int
		sql := strings.Replace(db.Statement(deleteFinishedSQL, params.Schema), "'completed'", "'"+state.name+"'", 1)
		err := exec.QueryRow(ctx, sql, pgx.NamedArgs{
			"before": state.before, "but": params.QueuesExcluded, "only": params.QueuesIncluded, "most": params.Max - deleted,
		}).Scan(&n)
		if err != nil {
			return deleted, fmt.Errorf("delete %s jobs: %w", state.name, err)
		}
		deleted += n
	}
	return deleted, nil
}
