package pilot

import (
	"context"
	"fmt"
	"time"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivershared/riverpilot"
)

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
		err := exec.QueryRow(ctx, deleteSQL(params.Schema, state.name), state.before, params.QueuesExcluded, params.QueuesIncluded,
			params.Max-deleted).Scan(&n)
		if err != nil {
			return deleted, fmt.Errorf("delete %s jobs: %w", state.name, err)
		}
		deleted += n
	}
	return deleted, nil
}

// deleteSQL: $1 finished before, $2 queues to leave out and $3 to keep to (null: none, all), $4 how many. The state is
// written out so that the plan is made for it.
func deleteSQL(schema, state string) string {
	return `with old as (
			delete from ` + Table(schema) + ` where id = any(array(
				select id from ` + Table(schema) + `
				where state = '` + state + `' and finalized_at < $1
					and ($2::text[] is null or queue <> all($2)) and ($3::text[] is null or queue = any($3))
				order by finalized_at
				limit $4
				for update skip locked))
			returning 1)
		select count(*) from old`
}
