package drill

import (
	"context"
	"time"

	"github.com/riverqueue/river"

	"github.com/backlist/backlist/internal/work"
)

// SmallStep is a step of a brief kind: it enters its key into the ledger, in a batch with others.
type SmallStep Step

// Kind names the job.
func (SmallStep) Kind() string { return "drill_small" }

// InsertOpts names the kind's own queue.
func (SmallStep) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: "drill_small"} }

// smallWorker runs small steps.
type smallWorker struct{}

// NextRetry retries as stepWorker does.
func (smallWorker) NextRetry(*river.Job[SmallStep]) time.Time { return time.Now().Add(time.Second) }

// Work has the step's effect.
func (smallWorker) Work(_ context.Context, job *river.Job[SmallStep], fx *work.Effects) error {
	fx.Exec("insert into drill.effect (key, job_id, attempt, worker) values ($1, $2, $3, $4)",
		job.Args.Key, job.ID, job.Attempt, job.AttemptedBy[len(job.AttemptedBy)-1])
	return nil
}

// args returns the arguments with which a step is enqueued.
func (s Step) args() river.JobArgs {
	if s.How == small {
		return SmallStep(s)
	}
	return s
}

// noteSmall notes how long small steps took from their commit to their own, kills included.
func (s *stage) noteSmall(ctx context.Context) error {
	var jobs int
	var high, most float64
	err := s.pool.QueryRow(ctx, `select count(*), coalesce(percentile_cont(0.99) within group (order by took), 0), coalesce(max(took), 0)
		from (select extract(epoch from finalized_at - created_at)::float8 as took from river.river_job where kind = 'drill_small' and finalized_at is not null) t`).
		Scan(&jobs, &high, &most)
	if jobs > 0 {
		s.result.note("%d were brief jobs: completed within %.2f s of their enqueuing at p99, %.2f s at most", jobs, high, most)
	}
	return err
}
