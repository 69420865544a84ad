package pilot

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"

	"github.com/backlist/backlist/db"
)

//go:embed sql/notice.sql
var noticeSQL string

// manyWaiting is the number of jobs that have just come due from which on an insert sends no notice.
//
// Postgres commits transactions that notify one at a time, including their flush to disk, so under load notices cost more
// than the jobs (measured at 32 connections: a third of the requests). If that many jobs already wait, the worker that was
// notified of those fetches this one with them, or right after. After each fetch that brought several jobs, a worker polls a
// few more times, so that a job which commits during that fetch does not wait for the regular poll.
const manyWaiting = 8

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
	for queue, inserted := range available(params.Jobs) {
		if err := tx.Exec(ctx, db.Statement(noticeSQL, params.Schema), queue, manyWaiting+inserted); err != nil {
			return nil, fmt.Errorf("notify of jobs: %w", err)
		}
	}
	return results, nil
}

// available counts the jobs that can run at once, by queue.
func available(jobs []*riverdriver.JobInsertFastParams) map[string]int {
	queues := make(map[string]int, 1)
	for _, job := range jobs {
		if job.State == rivertype.JobStateAvailable {
			queues[job.Queue]++
		}
	}
	return queues
}
