package pilot

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"
)

// completion is a batch of attempts that ended well and have nothing else to store.
type completion struct {
	ids      []int64
	attempts []int
	ages     []int64 // microseconds since each ended: the server's clock says when that was
	jobs     []*rivertype.JobRow
	finished []*rivertype.JobRow // completed already, by their own transactions
}

// isPlain reports whether the i-th outcome is a completion without anything else to store.
func isPlain(params *riverdriver.JobSetStateIfRunningManyParams, i int) bool {
	return params.State[i] == rivertype.JobStateCompleted && params.FinalizedAt[i] != nil && params.Attempt[i] == nil &&
		params.ErrData[i] == nil && params.ScheduledAt[i] == nil && !params.MetadataDoMerge[i]
}

func (c *completion) add(h known, id int64, ended *time.Time) {
	if h.finished {
		c.finished = append(c.finished, h.job)
		return
	}
	c.ids, c.attempts, c.jobs = append(c.ids, id), append(c.attempts, h.attempt), append(c.jobs, h.job)
	c.ages = append(c.ages, time.Since(*ended).Microseconds())
}

// complete stores a batch in one statement that is its own transaction: each job that this attempt still holds. The rows that
// River wants back it makes from memory; River would read them all again.
func (p *Pilot) complete(ctx context.Context, schema string, c *completion) ([]*rivertype.JobRow, error) {
	rows := make([]*rivertype.JobRow, 0, len(c.ids)+len(c.finished))
	for _, job := range c.finished {
		rows = append(rows, completed(job, time.Now()))
	}
	if len(c.ids) == 0 {
		return rows, nil
	}
	res, err := p.pool.Query(ctx, completeSQL(schema), c.ids, c.attempts, c.ages, p.gate.clientID)
	if err != nil {
		return nil, fmt.Errorf("complete jobs: %w", err)
	}
	stored, err := pgx.CollectRows(res, pgx.RowTo[int64])
	if err != nil {
		return nil, fmt.Errorf("complete jobs: %w", err)
	}
	held := make(map[int64]bool, len(stored))
	for _, id := range stored {
		held[id] = true
	}
	var missed completion
	for i, id := range c.ids {
		if held[id] {
			rows = append(rows, completed(c.jobs[i], time.Now().Add(-time.Duration(c.ages[i])*time.Microsecond)))
		} else {
			missed.ids, missed.attempts = append(missed.ids, id), append(missed.attempts, c.attempts[i])
		}
	}
	if len(missed.ids) > 0 {
		p.explainMissed(ctx, schema, &missed)
	}
	return rows, nil
}

// completeSQL: $1 ids, $2 attempts, $3 ages in microseconds, $4 this client. The fence is inside a "case", which the
// planner cannot use: its statistics say that hardly any job is running, so it would begin with the running jobs, all that there
// are and were since the last vacuum. So it looks up each row by its key, however large the table is.
func completeSQL(schema string) string {
	return `update ` + Table(schema) + ` j set state = 'completed', finalized_at = now() - interval '1 us' * v.age
		from unnest($1::bigint[], $2::int[], $3::bigint[]) as v (id, attempt, age)
		where j.id = v.id and case when j.attempt = v.attempt and j.state = 'running' and j.attempted_by[array_upper(j.attempted_by, 1)] = $4
			then true else false end
		returning j.id`
}

func completed(job *rivertype.JobRow, at time.Time) *rivertype.JobRow {
	row := *job // the worker may still look at its own
	row.State, row.FinalizedAt = rivertype.JobStateCompleted, &at
	return &row
}

// explainMissed logs the attempts that came late. One that completed its job itself, and never heard that it had, did not.
func (p *Pilot) explainMissed(ctx context.Context, schema string, c *completion) {
	var done []int64
	err := p.pool.QueryRow(ctx, `select coalesce(array_agg(j.id), '{}') from `+Table(schema)+` j
		join unnest($1::bigint[], $2::int[]) as v (id, attempt) on v.id = j.id and v.attempt = j.attempt
		where j.state = 'completed' and j.attempted_by[array_upper(j.attempted_by, 1)] = $3`, c.ids, c.attempts, p.gate.clientID).Scan(&done)
	if err != nil {
		p.log.WarnContext(ctx, "it is not known whether attempts came late", "jobs", c.ids, "err", err)
		return
	}
	for i, id := range c.ids {
		if !slices.Contains(done, id) {
			p.late(ctx, id, c.attempts[i], rivertype.JobStateCompleted)
		}
	}
}
