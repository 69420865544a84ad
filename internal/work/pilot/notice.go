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

// When notices are left out.
//
// Postgres commits transactions that notify one at a time, including their flush to disk, so under load notices cost more
// than the jobs (measured at 32 connections: a third of the requests). An insert therefore sends none if several jobs that
// have just come due already wait: the worker that was notified of those fetches this one with them, or right after. After
// each fetch that brought several jobs, a worker polls a few more times, so that a job which commits during that fetch does
// not wait for the regular poll.
const (
	// manyWaiting is the number of such jobs from which on no notice is sent.
	manyWaiting = 8
	// justDue is how long a job may have waited to be one of them: older jobs may wait because no worker can run them.
	justDue = time.Second
)

// JobInsertMany inserts as River does and sends the notice in the inserting transaction. River sends at most one notice
// per client, queue and cooldown, so that the second of two jobs, or a job inserted after a rollback, would wait for a
// worker's poll. A duplicate is announced too: the insert locked the waiting job's row for a moment, so a concurrent fetch
// may have skipped it.
func (p *Pilot) JobInsertMany(
	ctx context.Context, tx riverdriver.ExecutorTx, params *riverdriver.JobInsertFastManyParams,
) ([]*riverdriver.JobInsertFastResult, error) {
	dueNow(params.Jobs)
	results, err := p.StandardPilot.JobInsertMany(ctx, tx, params)
	if err != nil {
		return nil, err
	}
	var queues []string
	var inserted []int // number of jobs, for each of queues
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
