package drill

import (
	"context"
	"encoding/json"
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

// Step is the drill's job: it takes some time, and then enters its key into the ledger.
type Step struct {
	Key    string `json:"key"`
	Millis int    `json:"millis"` // how long it takes
	How    string `json:"how"`    // see below; "": it waits, and stops when its context ends
	Output string `json:"output"` // JSON that each attempt records as its output; "": none
	Note   string `json:"note"`   // the same, for a key of its metadata
}

// The values of Step.How.
const (
	deaf     = "deaf"     // it waits, and ignores the end of its context
	query    = "query"    // it holds a connection of the job pool while it waits
	ending   = "ending"   // it waits in the transaction that completes it, with the job's row locked
	returned = "returned" // it has its effect first, waits, and returns: its worker stores the outcome in a batch
	failed   = "failed"   // its first attempt fails
	garbled  = "garbled"  // the same, with an error that Postgres cannot store unchanged
	small    = "small"    // it is a brief job: see SmallStep
	dies     = "dies"     // it kills its worker
)

// Kind names the job.
func (Step) Kind() string { return "drill_step" }

// stepWorker runs steps.
type stepWorker struct {
	river.WorkerDefaults[Step]
	pool *pgxpool.Pool
	role Role
	tell func(format string, args ...any)
}

// NextRetry retries soon after failures by a fault, so that a drill ends; failures by design have the usual wait.
func (w *stepWorker) NextRetry(job *river.Job[Step]) time.Time {
	if job.Args.How == failed {
		return time.Time{}
	}
	return time.Now().Add(time.Second)
}

// Work waits and then has its effect.
func (w *stepWorker) Work(ctx context.Context, job *river.Job[Step]) error {
	w.tell("start %d %d", job.ID, job.Attempt)
	err := w.work(ctx, job)
	w.tell("end %d %d %t", job.ID, job.Attempt, err == nil)
	return err
}

func (w *stepWorker) work(ctx context.Context, job *river.Job[Step]) error {
	takes := time.Duration(job.Args.Millis) * time.Millisecond
	if err := record(ctx, job.Args); err != nil {
		return err
	}
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
	case garbled:
		if len(job.Errors) == 0 {
			return errors.New("its first attempt fails with \x00 and \xff in its error")
		}
	case returned:
		if err := w.once(ctx, job); err != nil {
			return err
		}
	case query:
		if _, err := w.pool.Exec(ctx, "select pg_sleep($1)", takes.Seconds()); err != nil {
			return err
		}
	case deaf:
		ctx = context.WithoutCancel(ctx)
	}
	if job.Args.How == "" || job.Args.How == deaf || job.Args.How == returned {
		timer := time.NewTimer(takes)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if job.Args.How == returned {
		return nil
	}
	return w.finish(ctx, job)
}

// record makes River store the step's output and note. They are valid JSON for Go, but Postgres may refuse them.
func record(ctx context.Context, step Step) error {
	var errs []error
	if step.Output != "" {
		errs = append(errs, river.RecordOutput(ctx, json.RawMessage(step.Output)))
	}
	if step.Note != "" {
		errs = append(errs, river.MetadataSet(ctx, noteKey, json.RawMessage(step.Note)))
	}
	return errors.Join(errs...)
}

// noteKey is the key of Step.Note in a job's metadata.
const noteKey = "drill_note"

// once has the effect before the job ends. A later attempt may find the effect; the fence prevents two attempts from
// checking at the same time.
func (w *stepWorker) once(ctx context.Context, job *river.Job[Step]) error {
	return work.Hold(ctx, w.pool, job, func(tx pgx.Tx) error {
		var had bool
		if err := tx.QueryRow(ctx, "select exists (select from drill.effect where key = $1)", job.Args.Key).Scan(&had); err != nil || had {
			return err
		}
		return enter(ctx, tx, job)
	})
}

// finish has the effect: with the fence, or as it would be done without.
func (w *stepWorker) finish(ctx context.Context, job *river.Job[Step]) error {
	effects := func(tx pgx.Tx) error {
		if job.Args.How == ending {
			if _, err := tx.Exec(ctx, "select pg_sleep($1)", float64(job.Args.Millis)/1000); err != nil {
				return err
			}
		}
		return enter(ctx, tx, job)
	}
	switch w.role.Kind {
	case roleUnfenced: // the effect is committed, and River stores the outcome later
		return pgx.BeginFunc(ctx, w.pool, effects)
	case roleOlder: // both together, but without checking whose job it is
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

// enter enters the step's key into the ledger.
func enter(ctx context.Context, tx pgx.Tx, job *river.Job[Step]) error {
	_, err := tx.Exec(ctx, "insert into drill.effect (key, job_id, attempt, worker) values ($1, $2, $3, $4)",
		job.Args.Key, job.ID, job.Attempt, job.AttemptedBy[len(job.AttemptedBy)-1])
	if err != nil {
		return fmt.Errorf("enter %s into the ledger: %w", job.Args.Key, err)
	}
	return nil
}
