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

// River checks for these interfaces only at run time.
var (
	_ riverpilot.PilotJobDeleter = (*Pilot)(nil)
	_ riverpilot.PilotJobRescuer = (*Pilot)(nil)
)

// JobDeleteBefore deletes finished jobs that are older than River's cleaner keeps them, the oldest first. River itself searches
// in the order of ids, and every 30 s reads every job that is not old enough; this reads the oldest of each state from an
// index.
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
		sql := strings.Replace(db.Statement(deleteFinishedSQL, params.Schema), "state = 'completed'", "state = '"+state.name+"'", 1)
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
