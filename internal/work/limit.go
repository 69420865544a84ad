package work

import (
	"cmp"
	"context"
	"time"

	"github.com/riverqueue/river"
)

// JobTimeout is the time limit of an attempt whose worker sets none.
const JobTimeout = time.Minute

// stuckAfter is how long after its time limit an attempt that still runs is logged as stuck.
const stuckAfter = 5 * time.Second

// limited is a worker whose time limit this package enforces.
type limited[T river.JobArgs] struct{ river.Worker[T] }

// Timeout tells River to leave the time limit to Work.
func (*limited[T]) Timeout(*river.Job[T]) time.Duration { return -1 }

func (l *limited[T]) Work(ctx context.Context, job *river.Job[T]) error {
	r := runOf(ctx)
	if r != nil {
		r.began = true
	}
	limit := cmp.Or(l.Worker.Timeout(job), JobTimeout)
	if limit < 0 {
		return l.Worker.Work(ctx, job)
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if r != nil {
		defer context.AfterFunc(ctx, func() { r.watchStuck(ctx, limit) })()
	}
	return l.Worker.Work(ctx, job)
}

// watchStuck logs an attempt that still runs stuckAfter its context has ended.
func (r *run) watchStuck(ctx context.Context, limit time.Duration) {
	select {
	case <-r.ended:
	case <-time.After(stuckAfter):
		r.worker.opts.Log.WarnContext(ctx, "a job is stuck: it still runs although its context has ended",
			"job_id", r.job.ID, "kind", r.job.Kind, "limit", limit)
	}
}
