package work

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// Permanent wraps an error that trying again cannot mend: the job is cancelled at once, with the error.
func Permanent(err error) error { return &permanent{err} }

type permanent struct{ error }

func (p *permanent) Unwrap() error { return p.error }

// RetryAfter wraps an error of a service that said how long to wait (a Retry-After header): the next attempt comes no
// sooner, and not much later.
func RetryAfter(err error, wait time.Duration) error { return &retryAfter{err, wait} }

type retryAfter struct {
	error
	wait time.Duration
}

func (r *retryAfter) Unwrap() error { return r.error }

// retries is the back-off: failures⁴ seconds as River has it, at most a day, and a quarter more or less, so that what
// failed together does not come back together. (River spreads by a tenth.)
type retries struct {
	asked sync.Map // job id → wait that its error asked for
}

const longestWait = 24 * time.Hour

// NextRetry says when a failed job is tried again.
func (r *retries) NextRetry(job *jobRow) time.Time {
	if wait, ok := r.asked.LoadAndDelete(job.ID); ok {
		return time.Now().Add(spread(wait.(time.Duration), 0, 0.25))
	}
	wait := min(time.Duration(math.Pow(float64(Failures(job)+1), 4)*float64(time.Second)), longestWait)
	return time.Now().Add(spread(wait, -0.25, 0.25))
}

// Failures is how many attempts of a job have failed before this one. Snoozes, and attempts that ended with their worker, are
// no failures.
func Failures(job *rivertype.JobRow) int {
	n, _ := rescuesOf(job)
	return max(len(job.Errors)-n, 0)
}

func spread(wait time.Duration, low, high float64) time.Duration {
	return time.Duration(float64(wait) * (1 + low + (high-low)*rand.Float64()))
}

// final says whether an error ends its job whatever else happens.
func final(err error) bool {
	_, ours := errors.AsType[*permanent](err)
	_, rivers := errors.AsType[*river.JobCancelError](err)
	return ours || rivers
}

// translate turns an error of a worker into what River acts on.
func (r *retries) translate(job *jobRow, err error) error {
	if _, ok := errors.AsType[*permanent](err); ok {
		return river.JobCancel(err)
	}
	if after, ok := errors.AsType[*retryAfter](err); ok && job.Attempt < job.MaxAttempts { // of the last one River asks no more
		r.asked.Store(job.ID, min(max(after.wait, 0), longestWait))
	}
	return err
}

// heldFor is how long a job that cannot be read waits before a worker, perhaps of another release, looks again.
const heldFor = 10 * time.Minute

// holdBack keeps a job whose arguments this release cannot read: it is neither failed nor discarded, no attempt is
// spent, and its row says why it waits.
func (w *Worker) holdBack(ctx context.Context, job *jobRow, cause error) error {
	w.opts.Log.ErrorContext(ctx, "a job is held: its arguments cannot be read", "job_id", job.ID, "kind", job.Kind, "err", cause)
	attemptOf(ctx).held = cause
	if err := river.MetadataSet(ctx, KeyHeld, fitting(fmt.Sprintf("the arguments cannot be read: %v", cause))); err != nil {
		w.opts.Log.WarnContext(ctx, "the reason could not be noted", "job_id", job.ID, "err", err)
	}
	return river.JobSnooze(heldFor)
}
