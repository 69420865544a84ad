package work

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/riverqueue/river"

	"github.com/backlist/backlist/internal/work/pilot"
)

// ErrLost says that the job is no longer this attempt's: it was rescued and runs elsewhere, or has been cancelled or
// deleted. Nothing was written.
var ErrLost = errors.New("the job no longer belongs to this attempt")

// Finish completes the job and runs effects in one transaction, provided that the job is still this attempt's (the fence).
// A late attempt changes nothing and gets ErrLost, which the worker must return. The row is completed before effects run, so
// that effects may enqueue the same unique job again.
//
// Everything slow, above all every network call, belongs before Finish. The lock order is the job's row, then any
// other: effects come after the fence, and whoever enqueues for a reader does so before it writes the reader. The
// latest progress is stored in the same transaction; what the worker recorded otherwise for the job's metadata
// (river.RecordOutput) follows a moment later.
func Finish[T river.JobArgs](ctx context.Context, db DB, job *river.Job[T], effects func(tx pgx.Tx) error) error {
	set, args := "state = 'completed', finalized_at = clock_timestamp()", []any{job.ID, job.Attempt, job.AttemptedBy[len(job.AttemptedBy)-1]}
	report, _ := ctx.Value(reporterKey{}).(*reporter)
	metadata := "metadata"
	if report.moved() || cursorOf(job.JobRow) != nil {
		metadata += " - '" + KeyCursor + "'" // who has it done once more begins anew
	}
	last := report.take()
	if last != nil {
		metadata, args = "jsonb_set("+metadata+", '{"+KeyProgress+"}', $4)", append(args, last)
	}
	if metadata != "metadata" {
		set += ", metadata = " + metadata
	}
	err := pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		if err := fenced(tx.Exec(ctx, "update "+pilot.Table(schemaOf(ctx))+" set "+set+stillOurs+" returning "+pilot.EndIfSilent, args...)); err != nil {
			return fmt.Errorf("complete the job: %w", err)
		}
		return effects(tx)
	})
	if err != nil && last != nil {
		report.back(last)
	}
	if err == nil {
		attemptOf(ctx).finished = true
		if r, ok := ctx.Value(runningKey{}).(*running); ok {
			r.gate.Finished(job.JobRow)
		}
	}
	return err
}

// Hold runs effects in one transaction that holds the fence, without completing the job: for what must be recorded
// before a slow step. The same errors as Finish.
func Hold[T river.JobArgs](ctx context.Context, db DB, job *river.Job[T], effects func(tx pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		if err := fence(ctx, tx, job.JobRow); err != nil {
			return err
		}
		return effects(tx)
	})
}

// stillOurs is true of a job's row while it runs this very attempt, for this very worker: $1 its id, $2 the attempt, $3
// the worker.
const stillOurs = ` where id = $1 and attempt = $2 and state = 'running' and attempted_by[array_upper(attempted_by, 1)] = $3`

// fence locks the job's row and checks that it is still ours. If the worker's host vanishes then, nobody tells Postgres, and
// the lock would keep the job from being rescued: so the transaction ends when it has been silent for as long as a worker
// goes on without a beat.
func fence(ctx context.Context, tx pgx.Tx, job *jobRow) error {
	sql := "select " + pilot.EndIfSilent + " from " + pilot.Table(schemaOf(ctx)) + stillOurs + " for update"
	if err := fenced(tx.Exec(ctx, sql, job.ID, job.Attempt, job.AttemptedBy[len(job.AttemptedBy)-1])); err != nil {
		return fmt.Errorf("lock the job: %w", err)
	}
	return nil
}

// fenced is ErrLost where a statement with stillOurs found no row.
func fenced(tag pgconn.CommandTag, err error) error {
	if err == nil && tag.RowsAffected() == 0 {
		return ErrLost
	}
	return err
}

func schemaOf(ctx context.Context) string { return river.ClientFromContext[pgx.Tx](ctx).Schema() }
