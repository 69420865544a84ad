package work

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/backlist/backlist/internal/trace"
	"github.com/backlist/backlist/internal/work/bound"
)

// What may become of an attempt.
const (
	outcomeCompleted  = "completed"
	outcomeFailed     = "failed" // and is tried again
	outcomeDiscarded  = "discarded"
	outcomeCancelled  = "cancelled"
	outcomeSnoozed    = "snoozed"
	outcomeHandedBack = "handed back" // at a stop
	outcomeHeld       = "held"        // its arguments cannot be read
	outcomeLost       = "lost"        // to another attempt, or with its worker
)

// attempt is one row of work.attempt in the making. While the job runs it is in the job's context.
type attempt struct {
	jobID     int64
	number    int
	kind      string
	queue     string
	outcome   string
	worker    string
	release   string
	origin    Origin
	due       time.Time
	started   time.Time // by the database's clock
	run       time.Duration
	err       string
	code      string // why a rescue ended it
	stack     string
	countsErr bool   // the error is somebody's to mend: it gets a fingerprint
	finger    string // once it is about to be written
	steps     *trace.Trace

	// contested says that another process may have noted the same attempt: it is written only if nobody else has.
	contested bool

	bytes    int   // about what it takes in memory
	finished bool  // its effects are committed (Finish)
	held     error // why its arguments cannot be read
	cause    error // why its context ended, if it did
}

type attemptKey struct{}

// attemptOf is the attempt that runs with ctx. Where nobody records there is one all the same, which is forgotten.
func attemptOf(ctx context.Context) *attempt {
	if a, ok := ctx.Value(attemptKey{}).(*attempt); ok {
		return a
	}
	return &attempt{}
}

// middleware is the outermost: what it sees is what River acts on.
func (r *recorder) middleware(ctx context.Context, job *jobRow, doInner func(context.Context) error) error {
	a := &attempt{
		jobID: job.ID, number: job.Attempt, kind: job.Kind, queue: job.Queue, worker: r.worker, release: r.release,
		due: dueAt(job), started: *job.AttemptedAt,
	}
	ctx, a.steps = trace.Start(ctx)
	ctx = context.WithValue(ctx, attemptKey{}, a)
	began := time.Now()
	defer func() {
		if a.outcome != "" {
			return
		}
		if v := recover(); v != nil {
			a.run = time.Since(began)
			a.panicked(job, v, string(debug.Stack()))
			r.note(a)
			if text := fmt.Sprint(v); fitting(text) != text {
				v = fitting(text) // River keeps it with the job, and logs it
			}
			panic(v)
		}
	}()
	err := doInner(ctx)
	a.run = time.Since(began)
	a.ended(job, err)
	r.note(a)
	return err
}

// ended decides what became of the attempt, in the order in which River looks at an error.
func (a *attempt) ended(job *jobRow, err error) {
	a.contested = a.contested || a.cause != nil
	_, snoozed := errors.AsType[*river.JobSnoozeError](err)
	_, cancelled := errors.AsType[*river.JobCancelError](err)
	if err == nil || a.finished { // what is committed counts, whatever was returned after it
		a.outcome = outcomeCompleted
		return
	}
	text := err.Error()
	switch {
	case errors.Is(a.cause, rivertype.ErrJobCancelledRemotely):
		a.outcome, text = outcomeCancelled, strings.TrimPrefix(text, "JobCancelError: ")
	case errors.Is(a.cause, ErrLost), errors.Is(err, ErrLost):
		a.outcome, a.contested = outcomeLost, true
	case a.held != nil:
		a.outcome, a.countsErr, text = outcomeHeld, true, "the arguments cannot be read: "+a.held.Error()
	case snoozed:
		a.outcome = outcomeSnoozed
		return
	case a.cause != nil && errors.Is(err, context.Canceled):
		a.outcome = outcomeHandedBack
	case cancelled:
		a.outcome, a.countsErr, text = outcomeCancelled, true, strings.TrimPrefix(text, "JobCancelError: ")
	default:
		a.outcome, a.countsErr = failure(job), true
	}
	a.err = fitting(text)
}

// panicked is ended for a panic, which River takes for an error even at a stop.
func (a *attempt) panicked(job *jobRow, value any, stack string) {
	a.contested = a.contested || a.cause != nil
	switch {
	case a.finished:
		a.outcome = outcomeCompleted
	case errors.Is(a.cause, ErrLost):
		a.outcome, a.contested = outcomeLost, true
	case errors.Is(a.cause, rivertype.ErrJobCancelledRemotely) && job.Attempt < job.MaxAttempts:
		a.outcome = outcomeCancelled
	default:
		a.outcome, a.countsErr = failure(job), true
	}
	if _, below, ok := strings.Cut(stack, "\npanic("); ok { // the lines above are of catching it
		_, stack, _ = strings.Cut(below, "\n\t")
		_, stack, _ = strings.Cut(stack, "\n")
	}
	a.err = fitting(fmt.Sprintf("panic: %v", value))
	a.stack = hideAddresses(bound.Text(stack, bound.Trace))
}

func failure(job *jobRow) string {
	if job.Attempt >= job.MaxAttempts {
		return outcomeDiscarded
	}
	return outcomeFailed
}
