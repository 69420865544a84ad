package mail

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/backlist/backlist/internal/work"
)

// QueueName is the queue of deliveries. They have one of their own so that a slow mail server delays only mail.
const QueueName = "mail"

// DeliverArgs are the arguments of the job that delivers a message. Queue enqueues it.
type DeliverArgs struct {
	MessageID int64 `json:"message_id"`
}

// Kind names the job.
func (DeliverArgs) Kind() string { return "deliver_mail" }

// InsertOpts allows one unfinished delivery per message, and attempts for about a day.
func (DeliverArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{
		Queue:       QueueName,
		MaxAttempts: 12,
		UniqueOpts:  river.UniqueOpts{ByArgs: true, ByState: work.Unfinished()},
	}
}

// DeliverWorker sends messages.
type DeliverWorker struct {
	river.WorkerDefaults[DeliverArgs]

	DB        work.DB
	Sender    *Sender // nil: no mail server, so readers read mail in the mailbox only
	Composers map[Kind]Compose
	Base      func(ctx context.Context) (string, error) // the site's URL; links in mail begin with it
	Secret    string                                    // signs unsubscribe links
	Log       *slog.Logger
	Patience  time.Duration // how long it tries to record an outcome while Postgres restarts, for example; 0: 30 s
}

// Timeout leaves room for the mail server's slowness (four waits of at most SMTPTimeout) and for recording the outcome.
func (*DeliverWorker) Timeout(*river.Job[DeliverArgs]) time.Duration { return 2 * time.Minute }

// backOff is the wait after each failed attempt that can be retried; the last entry repeats. Greylisting lasts a few
// minutes, a full disk an hour, and a broken account until the operator notices.
var backOff = [...]time.Duration{10 * time.Second, time.Minute, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 4 * time.Hour}

// NextRetry varies the wait by a tenth either way, so that letters that failed together do not return together.
func (*DeliverWorker) NextRetry(job *river.Job[DeliverArgs]) time.Time {
	wait := backOff[min(work.Failures(job.JobRow), len(backOff)-1)]
	return time.Now().Add(time.Duration(float64(wait) * (0.9 + 0.2*rand.Float64())))
}

// Work makes one attempt at the delivery.
func (w *DeliverWorker) Work(ctx context.Context, job *river.Job[DeliverArgs]) error {
	return w.attempt(ctx, attempt{
		id: job.Args.MessageID, number: job.Attempt, last: job.Attempt >= job.MaxAttempts,
		hold: func(ctx context.Context, effects func(pgx.Tx) error) error {
			return work.Hold(ctx, w.DB, job, effects)
		},
		finish: func(ctx context.Context, effects func(pgx.Tx) error) error {
			return work.Finish(ctx, w.DB, job, effects)
		},
	})
}
