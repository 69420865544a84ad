package lab

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/backlist/backlist/internal/formation"
	"github.com/backlist/backlist/internal/store"
)

var (
	//go:embed sql/own_jobs.sql
	ownJobsSQL string
	//go:embed sql/own_attempts.sql
	ownAttemptsSQL string
	//go:embed sql/own_workers.sql
	ownWorkersSQL string
	//go:embed sql/events.sql
	eventsSQL string
)

// own is a run of an experiment that starts worker processes of its own, and what it has seen of them.
type own struct {
	*Run
	jobIDs []int64

	jobs     []ownJob
	attempts []ownAttempt
	workers  []ownWorker
	events   []event
}

// ownJob is a row of sql/own_jobs.sql.
type ownJob struct {
	ID                  int64
	State               string
	Waiting, WhyWaiting *string
	Attempt             int
	Worker              *string
	EnqueuedAt          time.Time
	StartedAt           *time.Time
	FinishedAt          *time.Time
}

// ownAttempt is a row of sql/own_attempts.sql.
type ownAttempt struct {
	JobID                     int64
	Attempt                   int
	Outcome                   string
	Code, Process             *string
	DueAt, StartedAt, EndedAt time.Time
}

// ownWorker is a row of sql/own_workers.sql.
type ownWorker struct {
	Process, Worker, Status string
	StartedAt               time.Time
	DeadAt, StoppedAt       *time.Time
}

// event is a row of sql/events.sql.
type event struct {
	Part, What string
	Attempt    *int
	Process    *string
	At         time.Time
}

// enqueue enqueues jobs like the given one in one transaction and returns their ids.
func (o *own) enqueue(ctx context.Context, jobs int, like CallArgs) (ids []int64, err error) {
	list := make([]river.InsertManyParams, jobs)
	for i := range list {
		like.Run, like.Item = o.ID, i+1
		list[i].Args = like
	}
	added, err := o.Jobs.InsertMany(ctx, list)
	for _, job := range added {
		ids = append(ids, job.Job.ID)
	}
	o.jobIDs = append(o.jobIDs, ids...)
	return ids, err
}

// note enters what the experiment did into the database, so that all times are by its clock.
func (o *own) note(ctx context.Context, part, what string) error {
	return store.New().LabEffectInsert(ctx, o.DB, store.LabEffectInsertParams{RunID: o.ID, Part: part, What: what})
}

// start starts worker processes until there are n. Its errors are for the reader.
func (o *own) start(ctx context.Context, n int) error {
	err := o.Workers.Scale(ctx, n)
	if err != nil && ctx.Err() == nil {
		return Problem(fmt.Sprintf("A worker process is missing: %s.", err))
	}
	return err
}

// crashed returns a Problem if a worker process has ended by itself.
func (o *own) crashed() error {
	for _, p := range o.Workers.List() {
		if p.State == formation.Crashed {
			return Problem(fmt.Sprintf("The worker process %s ended: %s.", p.Name, p.Exit))
		}
	}
	return nil
}

// stop stops the worker processes, so that none outlives the experiment.
func (o *own) stop(ctx context.Context) {
	if err := o.Workers.Scale(context.WithoutCancel(ctx), 0); err != nil && !errors.Is(err, formation.ErrStopped) {
		o.Log.WarnContext(ctx, "the worker processes of an experiment were not stopped", "run", o.ID, "err", err)
	}
}

// working returns the number of worker processes that take jobs.
func (o *own) working() (n int) {
	for _, w := range o.workers {
		if w.Status == "working" {
			n++
		}
	}
	return n
}

// process returns the name of a worker's process.
func (o *own) process(worker string) string {
	if i := slices.IndexFunc(o.workers, func(w ownWorker) bool { return w.Worker == worker }); i >= 0 {
		return o.workers[i].Process
	}
	return worker
}

// look asks for everything that is known by now.
func (o *own) look(ctx context.Context) (err error) {
	run, jobs := pgx.NamedArgs{"run": o.ID}, pgx.NamedArgs{"jobs": o.jobIDs}
	if o.jobs, err = ask[ownJob](ctx, o.Run, "The jobs", ownJobsSQL, jobs); err != nil {
		return err
	}
	if o.attempts, err = ask[ownAttempt](ctx, o.Run, "Their attempts", ownAttemptsSQL, jobs); err != nil {
		return err
	}
	if o.workers, err = ask[ownWorker](ctx, o.Run, "The worker processes", ownWorkersSQL, run); err != nil {
		return err
	}
	o.events, err = ask[event](ctx, o.Run, "What they did", eventsSQL, run)
	return err
}

// redrawEvery is how often the drawing grows while nothing happens.
const redrawEvery = 500 * time.Millisecond

// watch looks until ready reports true, and shows what is new.
func (o *own) watch(ctx context.Context, doing string, draw func(), ready func() (bool, error)) error {
	seen, drawn := "", time.Time{}
	return until(ctx, func() (bool, error) {
		if err := o.look(ctx); err != nil {
			return false, err
		}
		ok, err := ready()
		if err != nil {
			return false, err
		}
		now := fmt.Sprint(o.Statements) // with the rows of all four
		if !ok && now == seen && time.Since(drawn) < redrawEvery {
			return false, nil
		}
		seen, drawn = now, time.Now()
		draw()
		return ok, o.Show(ctx, doing)
	})
}
