package work

import (
	"errors"
	"math"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/riverqueue/river/rivertype"

	"github.com/backlist/backlist/internal/work/metadata"
)

// Permanent wraps an error that retrying cannot fix: the job is cancelled at once, with the error.
func Permanent(err error) error { return &permanent{err} }

type permanent struct{ error }

func (p *permanent) Unwrap() error { return p.error }

// RetryAfter wraps an error of a service that asked its clients to wait (a Retry-After header): the next attempt comes no
// sooner, and not much later.
func RetryAfter(err error, wait time.Duration) error { return &retryAfter{err, wait} }

type retryAfter struct {
	error
	wait time.Duration
}

func (r *retryAfter) Unwrap() error { return r.error }

// retries is the back-off: failures⁴ seconds as in River, at most a day, plus or minus a quarter, so that jobs that failed
// together are not retried together. (River's spread is a tenth.)
type retries struct {
	asked sync.Map // job id → wait that its error asked for
}

const longestWait = 24 * time.Hour

// NextRetry returns when a failed job is retried.
func (r *retries) NextRetry(job *jobRow) time.Time {
	if wait, ok := r.asked.LoadAndDelete(job.ID); ok {
		return time.Now().Add(spread(wait.(time.Duration), 0, 0.25))
	}
	wait := min(time.Duration(math.Pow(float64(Failures(job)+1), 4)*float64(time.Second)), longestWait)
	return time.Now().Add(spread(wait, -0.25, 0.25))
}

// Failures returns how many attempts of a job have failed before this one. Snoozes, and attempts whose worker died, do not
// count.
func Failures(job *rivertype.JobRow) int {
	n, _ := metadata.RescuesOf(job)
	return max(len(job.Errors)-n, 0)
}

func spread(wait time.Duration, low, high float64) time.Duration {
	return time.Duration(float64(wait) * (1 + low + (high-low)*rand.Float64()))
}

// ask notes how long the error of a failed attempt asks to wait, for NextRetry. It is not called for the last attempt, after
// which River does not call NextRetry.
func (r *retries) ask(job *jobRow, err error) {
	if after, ok := errors.AsType[*retryAfter](err); ok {
		r.asked.Store(job.ID, min(max(after.wait, 0), longestWait))
	}
}

// heldFor is how long a job whose arguments this release cannot read is held before a worker, perhaps of another release, tries
// again. The job has not failed, no attempt is used up, and its row says why it waits.
const heldFor = 10 * time.Minute
