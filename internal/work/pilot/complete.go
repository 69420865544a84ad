package pilot

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"

	"github.com/backlist/backlist/db"
)

var (
	//go:embed sql/complete.sql
	completeSQL string
	//go:embed sql/complete_unlocked.sql
	completeUnlockedSQL string
)

// completion is a batch of attempts that completed and have nothing else to store.
type completion struct {
	of       *outcomes // the batch that they come from
	at       []int     // their indexes in it
	ids      []int64
	attempts []int
	ages     []int64 // microseconds since each ended, from which the server computes the time by its own clock
	jobs     []*rivertype.JobRow
	finished []*rivertype.JobRow // already completed by their own transactions
}

// completing is a function that stores a completion.
type completing func(ctx context.Context, c *completion) ([]*rivertype.JobRow, error)

// isPlain reports whether the i-th outcome is a completion with nothing else to store.
func isPlain(params *riverdriver.JobSetStateIfRunningManyParams, i int) bool {
	return params.State[i] == rivertype.JobStateCompleted && params.FinalizedAt[i] != nil && params.Attempt[i] == nil &&
		params.ErrData[i] == nil && params.ScheduledAt[i] == nil && !params.MetadataDoMerge[i]
}

// add adds the i-th outcome of the batch.
func (c *completion) add(h known, i int) {
	if h.finished {
		c.finished = append(c.finished, h.job)
		return
	}
	c.at, c.ids, c.attempts, c.jobs = append(c.at, i), append(c.ids, c.of.ID[i]), append(c.attempts, h.attempt), append(c.jobs, h.job)
	c.ages = append(c.ages, time.Since(*c.of.FinalizedAt[i]).Microseconds())
}

// complete stores a completion in one statement that is its own transaction, for each job whose attempt still holds it. It does
// not wait long for locks, but falls back to completeUnlocked, which costs one more lock per job.
func (p *Pilot) complete(ctx context.Context, c *completion) ([]*rivertype.JobRow, error) {
	rows, err := p.completeBy(ctx, completeSQL, c)
	if IsContended(err) {
		return p.completeUnlocked(ctx, c)
	}
	return rows, err
}

// completeUnlocked is like complete, but sets aside the outcomes of jobs whose rows other sessions have locked.
func (p *Pilot) completeUnlocked(ctx context.Context, c *completion) ([]*rivertype.JobRow, error) {
	return p.completeBy(ctx, completeUnlockedSQL, c)
}

// completeBy stores a completion with one of the two statements. It makes the rows that River wants back from memory, where
// River's own statement would read them again.
func (p *Pilot) completeBy(ctx context.Context, sql string, c *completion) ([]*rivertype.JobRow, error) {
	rows := make([]*rivertype.JobRow, 0, len(c.ids)+len(c.finished))
	done := make([]int64, 0, len(c.ids)+len(c.finished))
	for _, job := range c.finished {
		rows, done = append(rows, completed(job, time.Now())), append(done, job.ID)
	}
	if len(c.ids) == 0 {
		p.attempts.written(done)
		return rows, nil
	}
	res, err := p.pool.Query(ctx, db.Statement(sql, c.of.Schema), c.ids, c.attempts, c.ages, p.attempts.clientID)
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
	missed := &outcomes{Now: c.of.Now, Schema: c.of.Schema}
	for i, id := range c.ids {
		if held[id] {
			rows = append(rows, completed(c.jobs[i], time.Now().Add(-time.Duration(c.ages[i])*time.Microsecond)))
		} else {
			move(missed, c.of, c.at[i])
		}
	}
	p.attempts.written(append(done, stored...))
	return rows, p.missing(ctx, missed)
}

func completed(job *rivertype.JobRow, at time.Time) *rivertype.JobRow {
	row := *job // the worker may still look at its own
	row.State, row.FinalizedAt = rivertype.JobStateCompleted, &at
	return &row
}
