package lab

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/backlist/backlist/internal/store"
	"github.com/backlist/backlist/internal/trace"
	"github.com/backlist/backlist/internal/work"
)

const (
	// QueueName is the queue that the deployment's workers take where the lab is open.
	QueueName = "lab"
	// OwnQueue is the queue of which only workers take jobs that an experiment starts itself.
	OwnQueue = "lab_own"
)

// AddWorkers registers the kinds of the experiments' jobs.
func AddWorkers(workers *work.Workers, slow *Slow) {
	work.AddWorker(workers, &recommendWorker{Slow: slow})
	work.AddWorker(workers, &mailWorker{Slow: slow})
	work.AddWorker(workers, &bigWorker{Slow: slow})
	work.AddWorker(workers, &smallWorker{Slow: slow})
	work.AddWorker(workers, &retryWorker{Slow: slow})
	work.AddWorker(workers, &callWorker{Slow: slow})
	work.AddWorker(workers, &orderWorker{})
}

// aside is part of the args of all experiments: what happens in the lab needs no operator.
type aside struct{}

// Aside leaves the jobs and their queues out of wait targets, findings and the error inbox.
func (aside) Aside() []string { return []string{QueueName, OwnQueue} }

// RecommendArgs are the arguments of the job that makes a list in an experiment.
type RecommendArgs struct {
	aside
	ReaderID int64 `json:"reader_id"`
}

// Kind names the job.
func (RecommendArgs) Kind() string { return "lab_recommend" }

// InsertOpts puts the job into the lab's queue.
func (RecommendArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: QueueName, MaxAttempts: 3}
}

type recommendWorker struct {
	river.WorkerDefaults[RecommendArgs]
	*Slow
}

// Timeout is generous: a list takes about 20 ms.
func (*recommendWorker) Timeout(*river.Job[RecommendArgs]) time.Duration { return 30 * time.Second }

// Work makes the list; storing it and completing the job are one transaction.
func (w *recommendWorker) Work(ctx context.Context, job *river.Job[RecommendArgs]) error {
	return w.Lists.Make(ctx, job.Args.ReaderID, func(effects func(pgx.Tx) error) error {
		return work.Finish(ctx, w.DB, job, effects)
	})
}

// MailArgs are the arguments of the job that sends a letter in an experiment.
type MailArgs struct {
	aside
	MessageID int64 `json:"message_id"`
}

// Kind names the job.
func (MailArgs) Kind() string { return "lab_mail" }

// InsertOpts puts the job into the lab's queue.
func (MailArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: QueueName, MaxAttempts: 3}
}

type mailWorker struct {
	river.WorkerDefaults[MailArgs]
	*Slow
}

// Timeout leaves room for a slow mail server.
func (*mailWorker) Timeout(*river.Job[MailArgs]) time.Duration { return time.Minute }

// Work sends the letter. The message's row decides whether it is sent, so a second attempt sends nothing twice.
func (w *mailWorker) Work(ctx context.Context, job *river.Job[MailArgs]) error {
	if err := w.deliver(ctx, job.Args.MessageID); err != nil {
		return err
	}
	return trace.Step(ctx, "complete the job", func(ctx context.Context) error {
		return work.Finish(ctx, w.DB, job, func(pgx.Tx) error { return nil })
	})
}

// deleteJobs deletes the jobs of experiments, except those that still run. One experiment runs at a time.
func deleteJobs(ctx context.Context, jobs *work.Client) error {
	all := river.NewJobDeleteManyParams().Queues(QueueName, OwnQueue).First(10_000)
	if _, err := jobs.JobDeleteMany(ctx, all); err != nil {
		return fmt.Errorf("delete the experiment's jobs: %w", err)
	}
	return nil
}

// PruneArgs are the arguments of the job that deletes runs after a week.
type PruneArgs struct{}

// Kind names the job.
func (PruneArgs) Kind() string { return "prune_lab" }

// InsertOpts allows few attempts, because tomorrow's job makes up for a failed one.
func (PruneArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{MaxAttempts: 3} }

// PruneWorker works PruneArgs.
type PruneWorker struct {
	river.WorkerDefaults[PruneArgs]
	DB work.DB
}

// Work deletes and completes the job in one transaction.
func (w *PruneWorker) Work(ctx context.Context, job *river.Job[PruneArgs]) error {
	return work.Finish(ctx, w.DB, job, func(tx pgx.Tx) error {
		err := store.New().LabPrune(ctx, tx)
		return err
	})
}

// Schedule enqueues PruneArgs once a day.
func Schedule() work.Schedule {
	return work.Schedule{Name: "prune_lab", Args: PruneArgs{}, Spec: "15 4 * * *", Zone: "UTC", Missed: work.MissedOnce}
}
