package pilot

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"time"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"

	"github.com/backlist/backlist/db"
)

//go:embed sql/notice.sql
var noticeSQL string

// Notices, and when to leave them out.
//
// Postgres commits transactions that notify one at a time, their flush to disk included: under load notices cost more
// than the jobs (measured at 32 connections: a third of the requests). So an insert says nothing where a few jobs that
// have only just come due wait already: the worker that was told of those fetches this one with them, or right after. Workers
// look again a few times after each fetch that brought some together, so that a job which commits while its forerunners
// are being fetched is not left to the poll.
const (
	// manyWaiting is from how many such jobs on nothing is said.
	manyWaiting = 8
	// justDue is how long a job may have waited to be one of them: older ones may be there because no worker can run them.
	justDue = time.Second
)

// JobInsertMany inserts as River does and sends the notice in the inserting transaction. River sends at most one notice
// a client, queue and cooldown, so that the second of a pair, or any insert after one that was rolled back, would wait
// for a worker's poll. A duplicate is announced too: the insert locked the waiting job's row for a moment, and a fetch
// that came by meanwhile has skipped it.
func (p *Pilot) JobInsertMany(
	ctx context.Context, tx riverdriver.ExecutorTx, params *riverdriver.JobInsertFastManyParams,
) ([]*riverdriver.JobInsertFastResult, error) {
	dueNow(params.Jobs)
	results, err := p.StandardPilot.JobInsertMany(ctx, tx, params)
	if err != nil {
		return nil, err
	}
	var queues []string
	var inserted []int // into each of queues
	for _, job := range params.Jobs {
		if job.State != rivertype.JobStateAvailable {
			continue
		}
		i := slices.Index(queues, job.Queue)
		if i < 0 {
			i, queues, inserted = len(queues), append(queues, job.Queue), append(inserted, 0)
		}
		inserted[i]++
	}
	if len(queues) == 0 {
		return results, nil
	}
	if err := tx.Exec(ctx, db.Statement(noticeSQL, params.Schema), queues, inserted, justDue.Seconds(), manyWaiting); err != nil {
		return nil, fmt.Errorf("notify of jobs: %w", err)
	}
	return results, nil
}
