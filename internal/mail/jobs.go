package mail

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/backlist/backlist/internal/work"
)

// QueueName is where deliveries wait: apart from other jobs, so that a slow mail server holds up nothing but mail.
const QueueName = "mail"

// DeliverArgs enqueues the delivery of a message. Queue does that.
type DeliverArgs struct {
	MessageID int64 `json:"message_id"`
}

// Kind names the job.
func (DeliverArgs) Kind() string { return "deliver_mail" }

// InsertOpts allows one unfinished delivery a message, and about a day of attempts.
func (DeliverArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{
		Queue:       QueueName,
		MaxAttempts: 12,
		UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: []rivertype.JobState{
			rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRunning,
			rivertype.JobStateRetryable, rivertype.JobStateScheduled,
		}},
	}
}

// DeliverWorker sends messages.
type DeliverWorker struct {
	river.WorkerDefaults[DeliverArgs]

	DB        work.DB
	Sender    *Sender // nil: no mail server, the mailbox is where mail is read
	Composers map[Kind]Compose
	Base      func(ctx context.Context) (string, error) // the site's URL; links in mail begin with it
	Secret    string                                    // signs unsubscribe links
	Log       *slog.Logger
	Patience  time.Duration // how long it tries to record an outcome, such as over a restart of Postgres; 0: 30 s
}

// Timeout leaves room for the mail server's slowness (four waits of at most SMTPTimeout) and for recording the outcome.
func (*DeliverWorker) Timeout(*river.Job[DeliverArgs]) time.Duration { return 2 * time.Minute }

// backOff is how long to wait after an attempt that the next one may mend; the last entry repeats. Greylisting servers
// want a few minutes, a full disk an hour, a broken account until somebody sees it.
var backOff = [...]time.Duration{10 * time.Second, time.Minute, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 4 * time.Hour}

// NextRetry spreads the attempts by a tenth either way, so that mail which failed together does not return together.
func (*DeliverWorker) NextRetry(job *river.Job[DeliverArgs]) time.Time {
	wait := backOff[min(work.Failures(job.JobRow), len(backOff)-1)]
	return time.Now().Add(time.Duration(float64(wait) * (0.9 + 0.2*rand.Float64())))
}

// Work makes one attempt at a delivery.
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
