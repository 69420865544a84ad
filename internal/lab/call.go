package lab

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/backlist/backlist/internal/mail"
	"github.com/backlist/backlist/internal/store"
	"github.com/backlist/backlist/internal/work"
)

// What the jobs and the experiments note in table lab_effect.
const (
	called    = "called"    // a call to the slow service has ended
	done      = "done"      // the effect of the job, which must be there once
	refused   = "refused"   // an attempt ended after its job was taken from it
	started   = "started"   // a worker process was started
	killed    = "killed"    // a worker process was killed
	paused    = "paused"    // a worker process was suspended
	continued = "continued" // a suspended one was continued
)

// CallArgs are the arguments of a job that calls a slow service a number of times, and then has one effect in the database.
type CallArgs struct {
	aside
	Run   string `json:"run"`
	Part  string `json:"part"`
	Item  int    `json:"item"`
	Calls int    `json:"calls"`
	Until string `json:"until,omitempty"` // what the experiment does to the worker in the middle of the first attempt
}

// Kind names the job.
func (CallArgs) Kind() string { return "lab_call" }

// InsertOpts puts the job into the queue of workers that an experiment starts.
func (CallArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: OwnQueue, MaxAttempts: 3}
}

type callWorker struct {
	river.WorkerDefaults[CallArgs]
	*Slow
}

// Timeout exceeds the time for which an experiment suspends a worker.
func (*callWorker) Timeout(*river.Job[CallArgs]) time.Duration { return 2 * time.Minute }

// Work calls the service, and then completes the job and has its effect in one transaction: see work.Finish. Like many programs
// it does not notice in a call that its context has ended.
func (w *callWorker) Work(ctx context.Context, job *river.Job[CallArgs]) error {
	ctx = context.WithoutCancel(ctx)
	for n := range job.Args.Calls {
		if err := w.call(ctx); err != nil {
			return err
		}
		if err := w.note(ctx, w.DB, job, called); err != nil { // outside any transaction, as the call is
			return err
		}
		if n+1 == job.Args.Calls/2 {
			if err := w.middle(ctx, job); err != nil {
				return err
			}
		}
	}
	err := work.Finish(ctx, w.DB, job, func(tx pgx.Tx) error { return w.note(ctx, tx, job, done) })
	if errors.Is(err, work.ErrLost) { // another attempt has the job: nothing was written
		err = errors.Join(err, w.note(ctx, w.DB, job, refused))
	}
	return err
}

// middle waits in the first attempt for what the experiment does to the worker, which comes too late on a machine that is busy enough.
func (w *callWorker) middle(ctx context.Context, job *river.Job[CallArgs]) error {
	if job.Args.Until == "" || job.Attempt > 1 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	noted := store.LabNotedParams{RunID: job.Args.Run, Part: job.Args.Part, What: job.Args.Until}
	return until(ctx, func() (bool, error) { return store.New().LabNoted(ctx, w.DB, noted) })
}

// call sends a mail to the slow mail server, which delivers nothing.
func (w *callWorker) call(ctx context.Context) error {
	return w.withSender(func(sender *mail.Sender) error {
		sender.Timeout = time.Minute // its worker may be suspended meanwhile
		out := sender.Send(ctx, mail.Envelope{
			To: "lab@example.com", MessageID: "lab", Date: time.Now(), Subject: "A call", Text: "A call of an experiment.", Base: "http://example.com",
		})
		if out.Result != mail.Sent {
			return fmt.Errorf("call the slow service: %w", out.Err)
		}
		return nil
	})
}

// note enters what an attempt did into the database.
func (w *callWorker) note(ctx context.Context, db store.DBTX, job *river.Job[CallArgs], what string) error {
	attempt, worker := int32(job.Attempt), job.AttemptedBy[len(job.AttemptedBy)-1]
	return store.New().LabEffectInsert(ctx, db, store.LabEffectInsertParams{
		RunID: job.Args.Run, Part: job.Args.Part, What: what, Item: int32(job.Args.Item), JobID: &job.ID, Attempt: &attempt, Worker: &worker,
	})
}
