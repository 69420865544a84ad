package pilot

import (
	_ "embed"

	"github.com/jackc/pgx/v5"
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

// queueNotices queues a notice for each queue in which an inserted job can run at once.
func queueNotices(batch *pgx.Batch, params *riverdriver.JobInsertFastManyParams) {
	for queue, inserted := range available(params.Jobs) {
		batch.Queue(db.ForSchema(noticeSQL, params.Schema), queue, manyWaiting+inserted)
	}
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
