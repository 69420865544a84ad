package work

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/backlist/backlist/internal/work/bound"
	"github.com/backlist/backlist/internal/work/mask"
	"github.com/backlist/backlist/internal/work/metadata"
	"github.com/backlist/backlist/internal/work/record"
)

// updateMetadata removes what is out of date from the job's metadata after the worker has returned err: the reason why its
// arguments could not be read, and the cursor of a completed job, which starts from the beginning if it is run once more.
func (r *run) updateMetadata(ctx context.Context, err error) error {
	if r.began && metadata.Has(r.job, metadata.Held) {
		err = errors.Join(err, r.setMetadata(ctx, metadata.Held, nil))
	}
	if err == nil && !r.finished && r.moved(r.job) {
		err = r.setMetadata(ctx, metadata.Cursor, nil)
	}
	return err
}

// returned completes the record of an attempt whose worker returned err, and returns the error for River.
func (r *run) returned(ctx context.Context, err error) error {
	a, cause := r.attempt, context.Cause(ctx)
	a.Contested = cause != nil || r.worker.liveness.doubtful()
	verdict := r.decide(cause, err)
	a.Outcome, a.CountsErr, a.Err = verdict.outcome, verdict.countsErr, mask.Text(verdict.text)
	switch a.Outcome {
	case record.Lost:
		a.Contested = true
		if errors.Is(cause, ErrLost) {
			r.worker.opts.Log.WarnContext(ctx, "job cancelled: heartbeat not confirmed", "job_id", r.job.ID, "err", err)
		}
	case record.Held:
		r.worker.opts.Log.ErrorContext(ctx, "a job is held: its arguments cannot be read", "job_id", r.job.ID, "kind", r.job.Kind, "err", err)
		if err := r.setMetadata(ctx, metadata.Held, a.Err); err != nil {
			r.worker.opts.Log.WarnContext(ctx, "could not store why a job is held", "job_id", r.job.ID, "err", err)
		}
	case record.Failed:
		r.worker.retries.ask(r.job, err)
	}
	return mask.Error(verdict.err)
}

// verdict is the outcome of an attempt, with its consequences.
type verdict struct {
	outcome   string
	text      string // of the error that is recorded
	countsErr bool   // the error is listed for operators
	err       error  // by which River decides the same outcome
}

// decide is the one place where the outcome of an attempt that returned is decided. Its cases are in the order in which River
// examines an error. cause is why the job's context ended, nil if it has not.
func (r *run) decide(cause, err error) verdict {
	if err == nil {
		return verdict{outcome: record.Completed}
	}
	_, snoozed := errors.AsType[*river.JobSnoozeError](err)
	rivers := forRiver(cause, err)
	switch {
	case r.finished: // its effects are committed, whatever it returned afterwards
		return verdict{outcome: record.Completed, err: rivers}
	case errors.Is(cause, rivertype.ErrJobCancelledRemotely): // even if err asks for something else, such as a snooze
		err = fmt.Errorf("%w: %v", rivertype.ErrJobCancelledRemotely, err)
		return verdict{outcome: record.Cancelled, text: cancelText(err), err: err}
	case errors.Is(cause, ErrLost):
		// This worker may have been declared dead. If another attempt has the job, the fence drops this outcome; if not, the job
		// is handed back.
		return verdict{outcome: record.Lost, text: err.Error(), err: river.JobSnooze(0)}
	case cause == nil && !r.began:
		return verdict{outcome: record.Held, text: "the arguments cannot be read: " + err.Error(), countsErr: true, err: river.JobSnooze(heldFor)}
	case errors.Is(err, ErrLost):
		return verdict{outcome: record.Lost, text: rivers.Error(), err: rivers}
	case snoozed:
		return verdict{outcome: record.Snoozed, err: rivers}
	case cause != nil && errors.Is(rivers, context.Canceled):
		return verdict{outcome: record.HandedBack, text: rivers.Error(), err: rivers}
	case final(err):
		return verdict{outcome: record.Cancelled, text: cancelText(rivers), countsErr: true, err: rivers}
	}
	return verdict{outcome: failure(r.job), text: rivers.Error(), countsErr: true, err: rivers}
}

// forRiver turns a worker's error into one that River acts on. If the job's context has ended it wraps context.Canceled, by
// which River hands the job back.
func forRiver(cause, err error) error {
	if cause != nil && !final(err) {
		return fmt.Errorf("%w: %w", context.Canceled, err)
	}
	if _, ok := errors.AsType[*permanent](err); ok {
		return river.JobCancel(err)
	}
	return err
}

// final reports whether an error ends its job in any case.
func final(err error) bool {
	_, ours := errors.AsType[*permanent](err)
	_, rivers := errors.AsType[*river.JobCancelError](err)
	return ours || rivers
}

// panicked does for a panic what returned does for an error; River counts a panic as a failure even at a stop. It returns the
// value for River to log and to store with the job.
func (r *run) panicked(cause error, value any, stack string) any {
	a := r.attempt
	a.Contested = cause != nil || r.worker.liveness.doubtful()
	switch {
	case r.finished:
		a.Outcome = record.Completed
	case errors.Is(cause, ErrLost):
		a.Outcome = record.Lost
	case errors.Is(cause, rivertype.ErrJobCancelledRemotely) && r.job.Attempt < r.job.MaxAttempts:
		a.Outcome = record.Cancelled
	default:
		a.Outcome, a.CountsErr = failure(r.job), true
	}
	if _, below, ok := strings.Cut(stack, "\npanic("); ok { // the lines above it belong to the recovery
		_, stack, _ = strings.Cut(below, "\n\t")
		_, stack, _ = strings.Cut(stack, "\n")
	}
	a.Err = mask.Text(fmt.Sprintf("panic: %v", value))
	a.Stack = mask.Addresses(bound.Text(stack, bound.Trace))
	if text := fmt.Sprint(value); mask.Text(text) != text {
		return mask.Text(text)
	}
	return value
}

func failure(job *jobRow) string {
	if job.Attempt >= job.MaxAttempts {
		return record.Discarded
	}
	return record.Failed
}

// cancelText returns the text of an error that cancels its job, without River's prefix.
func cancelText(err error) string { return strings.TrimPrefix(err.Error(), "JobCancelError: ") }
