package lab

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/backlist/backlist/internal/trace"
	"github.com/backlist/backlist/internal/work"
)

// RetryArgs are the arguments of the job that sends a letter while the mail server is down at first.
type RetryArgs struct {
	aside
	MessageID int64 `json:"message_id"`
	DownFor   int   `json:"down_for"` // attempts
}

// Kind names the job.
func (RetryArgs) Kind() string { return "lab_retry" }

// InsertOpts puts the job into the lab's queue.
func (RetryArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: QueueName, MaxAttempts: 5}
}

type retryWorker struct {
	river.WorkerDefaults[RetryArgs]
	*Slow
}

// Timeout leaves room for a slow mail server.
func (*retryWorker) Timeout(*river.Job[RetryArgs]) time.Duration { return time.Minute }

// firstRetry is the back-off after the first failure of lab_retry; it doubles.
const firstRetry = 600 * time.Millisecond

// NextRetry is this kind's own back-off: short, so that you need not wait. Others wait 1 s, 16 s, 81 s and so on.
func (*retryWorker) NextRetry(job *river.Job[RetryArgs]) time.Time {
	return time.Now().Add(firstRetry << work.Failures(job.JobRow))
}

// Work sends a letter. Its error is all that it takes for another attempt: the letter stays queued, and so does the job.
func (w *retryWorker) Work(ctx context.Context, job *river.Job[RetryArgs]) error {
	send := w.deliver
	if job.Attempt <= job.Args.DownFor {
		send = w.deliverNowhere
	}
	if err := send(ctx, job.Args.MessageID); err != nil {
		return err
	}
	return trace.Step(ctx, "complete the job", func(ctx context.Context) error {
		return work.Finish(ctx, w.DB, job, func(pgx.Tx) error { return nil })
	})
}
