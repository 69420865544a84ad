package lab

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/backlist/backlist/internal/mail"
	"github.com/backlist/backlist/internal/store"
	"github.com/backlist/backlist/internal/trace"
	"github.com/backlist/backlist/internal/work"
)

// Batch is what both kinds of job of the experiment need to know.
type Batch struct {
	aside
	Run    string `json:"run"`
	Part   string `json:"part"`
	FailAt int    `json:"fail_at"` // the letter at which the first attempt fails; 0: none
}

// retrySoon is the back-off of these kinds: short, so that you need not wait.
const retrySoon = 300 * time.Millisecond

// BigArgs are the arguments of the job that sends all letters.
type BigArgs struct {
	Batch
	Letters int `json:"letters"`
}

// Kind names the job.
func (BigArgs) Kind() string { return "lab_big" }

// InsertOpts puts the job into the lab's queue.
func (BigArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: QueueName, MaxAttempts: 3}
}

type bigWorker struct {
	river.WorkerDefaults[BigArgs]
	*Slow
}

// NextRetry is soon.
func (*bigWorker) NextRetry(*river.Job[BigArgs]) time.Time { return time.Now().Add(retrySoon) }

// Work sends all letters, and records them when it is done with the last. If it fails in the middle, it begins again.
func (w *bigWorker) Work(ctx context.Context, job *river.Job[BigArgs]) error {
	for item := 1; item <= job.Args.Letters; item++ {
		if err := w.send(ctx, job.JobRow, job.Args.Batch, item); err != nil {
			return err
		}
	}
	return work.Finish(ctx, w.DB, job, func(tx pgx.Tx) error {
		for item := 1; item <= job.Args.Letters; item++ {
			if err := w.record(ctx, tx, job.JobRow, job.Args.Batch, "recorded", item); err != nil {
				return err
			}
		}
		return nil
	})
}

// SmallArgs are the arguments of the job that sends one letter.
type SmallArgs struct {
	Batch
	Letter int `json:"letter"`
}

// Kind names the job.
func (SmallArgs) Kind() string { return "lab_small" }

// InsertOpts puts the job into the lab's queue.
func (SmallArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: QueueName, MaxAttempts: 3}
}

type smallWorker struct {
	river.WorkerDefaults[SmallArgs]
	*Slow
}

// NextRetry is soon.
func (*smallWorker) NextRetry(*river.Job[SmallArgs]) time.Time { return time.Now().Add(retrySoon) }

// Work sends one letter and records it. If it fails, this letter is sent again and no other.
func (w *smallWorker) Work(ctx context.Context, job *river.Job[SmallArgs]) error {
	if err := w.send(ctx, job.JobRow, job.Args.Batch, job.Args.Letter); err != nil {
		return err
	}
	return work.Finish(ctx, w.DB, job, func(tx pgx.Tx) error {
		return w.record(ctx, tx, job.JobRow, job.Args.Batch, "recorded", job.Args.Letter)
	})
}

// send sends a letter, and notes at once that the mail server has accepted it. Where the first attempt is to fail, the mail server
// is down.
func (s *Slow) send(ctx context.Context, job *rivertype.JobRow, b Batch, item int) error {
	return trace.Step(ctx, fmt.Sprintf("letter %d", item), func(ctx context.Context) error {
		to := s.withSender
		if item == b.FailAt && job.Attempt == 1 {
			to = func(send func(*mail.Sender) error) error {
				sender, err := nowhere()
				if err != nil {
					return err
				}
				return send(sender)
			}
		}
		err := to(func(sender *mail.Sender) error {
			return sender.Send(ctx, mail.Envelope{
				To: "reader@lab.example", MessageID: fmt.Sprintf("lab-%s-%s-%d-%d", b.Run, b.Part, item, job.Attempt), Date: time.Now(),
				Subject: fmt.Sprintf("Letter %d", item), Text: "A letter from the lab.", HTML: "<p>A letter from the lab.</p>", Base: "http://lab.example",
			}).Err
		})
		if err != nil {
			return err
		}
		return s.record(ctx, s.DB, job, b, "sent", item)
	})
}

// record notes what happened to a letter.
func (s *Slow) record(ctx context.Context, db store.DBTX, job *rivertype.JobRow, b Batch, what string, item int) error {
	attempt, worker := int32(job.Attempt), job.AttemptedBy[len(job.AttemptedBy)-1]
	return store.New().LabEffectInsert(ctx, db, store.LabEffectInsertParams{
		RunID: b.Run, Part: b.Part, What: what, Item: int32(item), JobID: &job.ID, Attempt: &attempt, Worker: &worker,
	})
}
