package drill

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"github.com/backlist/backlist/internal/work"
)

// Step is the drill's job: it takes its time, and then enters its key into the ledger.
type Step struct {
	Key    string `json:"key"`
	Millis int    `json:"millis"` // how long it takes
	How    string `json:"how"`    // see below; "" = it waits, and minds its context
}

// How a step takes its time.
const (
	deaf   = "deaf"   // it waits and does not mind its context
	query  = "query"  // it holds a connection of the job pool all the time
	ending = "ending" // it waits inside the transaction that ends it, with the job's row locked
	failed = "failed" // its first attempt fails
	dies   = "dies"   // it kills its worker
)

// Kind names the job.
func (Step) Kind() string { return "drill_step" }

// stepWorker works steps.
type stepWorker struct {
	river.WorkerDefaults[Step]
	pool *pgxpool.Pool
	role Role
	tell func(format string, args ...any)
}

// NextRetry makes what a fault has failed come back soon, so that a drill ends; failures by design have the usual wait.
func (w *stepWorker) NextRetry(job *river.Job[Step]) time.Time {
	if job.Args.How == failed {
		return time.Time{}
	}
	return time.Now().Add(time.Second)
}

// Work takes its time and then has its effect.
func (w *stepWorker) Work(ctx context.Context, job *river.Job[Step]) error {
	w.tell("start %d %d", job.ID, job.Attempt)
	err := w.work(ctx, job)
	w.tell("end %d %d %t", job.ID, job.Attempt, err == nil)
	return err
}

func (w *stepWorker) work(ctx context.Context, job *river.Job[Step]) error {
	takes := time.Duration(job.Args.Millis) * time.Millisecond
	switch job.Args.How {
	case dies:
		if err := syscall.Kill(os.Getpid(), syscall.SIGKILL); err != nil {
			return err
		}
		select {}
	case failed:
		if len(job.Errors) == 0 {
			return errors.New("its first attempt fails")
		}
	case query:
		if _, err := w.pool.Exec(ctx, "select pg_sleep($1)", takes.Seconds()); err != nil {
			return err
		}
	case deaf:
		ctx = context.WithoutCancel(ctx)
	}
	if job.Args.How == "" || job.Args.How == deaf {
		timer := time.NewTimer(takes)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return w.finish(ctx, job)
}

// finish has the effect: by the house's rule, or as it would be done without it.
func (w *stepWorker) finish(ctx context.Context, job *river.Job[Step]) error {
	effects := func(tx pgx.Tx) error {
		if job.Args.How == ending {
			if _, err := tx.Exec(ctx, "select pg_sleep($1)", float64(job.Args.Millis)/1000); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, "insert into drill.effect (key, job_id, attempt, worker) values ($1, $2, $3, $4)",
			job.Args.Key, job.ID, job.Attempt, job.AttemptedBy[len(job.AttemptedBy)-1])
		if err != nil {
			return fmt.Errorf("enter %s into the ledger: %w", job.Args.Key, err)
		}
		return nil
	}
	switch w.role.Kind {
	case roleUnfenced: // the effect is committed, and River writes the outcome some time after
		return pgx.BeginFunc(ctx, w.pool, effects)
	case roleOlder: // both together, but nobody looks whose job it is
		return pgx.BeginFunc(ctx, w.pool, func(tx pgx.Tx) error {
			if _, err := river.JobCompleteTx[*riverpgxv5.Driver](ctx, tx, job); err != nil {
				return err
			}
			return effects(tx)
		})
	default:
		return work.Finish(ctx, w.pool, job, effects)
	}
}
