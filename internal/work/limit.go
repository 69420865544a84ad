package work

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/backlist/backlist/internal/work/pilot"
)

// JobTimeout bounds an attempt whose worker names no limit of its own.
const JobTimeout = time.Minute

// stuckAfter is how long after its time limit an attempt that goes on is said to be stuck.
const stuckAfter = 5 * time.Second

// limited is a worker whose time limit we keep.
type limited[T river.JobArgs] struct{ river.Worker[T] }

// Timeout tells River to leave the time limit to Work.
func (*limited[T]) Timeout(*river.Job[T]) time.Duration { return -1 }

func (l *limited[T]) Work(ctx context.Context, job *river.Job[T]) error {
	r, here := ctx.Value(runningKey{}).(*running)
	if here {
		r.began = true
	}
	limit := cmp.Or(l.Worker.Timeout(job), JobTimeout)
	if limit < 0 {
		return l.Worker.Work(ctx, job)
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if here {
		defer context.AfterFunc(ctx, func() { r.watchStuck(ctx, job.JobRow, limit) })()
	}
	return l.Worker.Work(ctx, job)
}

// running is an attempt while a worker executes it; the job's context carries it.
type running struct {
	gate  *pilot.Gate
	log   *slog.Logger
	began bool          // the worker's Work was called: the arguments could be read
	ended chan struct{} // closed when it is over
}

type runningKey struct{}

// watchStuck says so when an attempt goes on although its context has ended.
func (r *running) watchStuck(ctx context.Context, job *rivertype.JobRow, limit time.Duration) {
	select {
	case <-r.ended:
	case <-time.After(stuckAfter):
		r.log.WarnContext(ctx, "a job is stuck: it goes on although its context has ended", "job_id", job.ID, "kind", job.Kind, "limit", limit)
	}
}
