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
	sql := "update " + pilot.Table(schemaOf(ctx)) + " set " + set + stillOurs + " and " + waitBriefly + " returning " + pilot.EndIfSilent + ", " + waitAgain
	err := fenced(ctx, db, func(tx pgx.Tx) (pgconn.CommandTag, error) { return tx.Exec(ctx, sql, args...) }, effects)
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
	sql := "select " + pilot.EndIfSilent + ", " + waitAgain + " from (select from " + pilot.Table(schemaOf(ctx)) + stillOurs + " and " + waitBriefly + " for update) held"
	lock := func(tx pgx.Tx) (pgconn.CommandTag, error) {
		return tx.Exec(ctx, sql, job.ID, job.Attempt, job.AttemptedBy[len(job.AttemptedBy)-1])
	}
	return fenced(ctx, db, lock, effects)
}

// stillOurs is true of a job's row while it runs this very attempt, for this very worker: $1 its id, $2 the attempt, $3
// the worker.
const stillOurs = ` where id = $1 and attempt = $2 and state = 'running' and attempted_by[array_upper(attempted_by, 1)] = $3`

// The statement that takes the fence waits for others' locks only as long as waitBriefly says, and waitAgain, which it returns,
// ends that for the effects. So a locked job lends its connection, of which there may be two, to the others.
const (
	waitBriefly = "set_config('lock_timeout', '200ms', true) is not null"
	waitAgain   = "set_config('lock_timeout', '0', true)"
)

// fenced runs effects in a transaction that begins with fence, a statement with stillOurs that locks the job's row. ErrLost is
// where it found no row. While others have the row locked it is tried again, each time in a new transaction. If the worker's host
// vanishes after it, nobody tells Postgres, and the lock would keep the job from being rescued: so it also has the transaction
// end when it has been silent for as long as a worker goes on without a beat.
func fenced(ctx context.Context, db DB, fence func(tx pgx.Tx) (pgconn.CommandTag, error), effects func(tx pgx.Tx) error) error {
	for wait := lockedWait; ; wait = min(2*wait, lockedWaitMost) {
		contended := false
		err := pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
			tag, err := fence(tx)
			switch {
			case err != nil:
				contended = pilot.IsContended(err)
				return fmt.Errorf("take the fence: %w", err)
			case tag.RowsAffected() == 0:
				return ErrLost
			}
			return effects(tx)
		})
		if !contended || ctx.Err() != nil {
			return err
		}
		sleep(ctx, wait)
	}
}

func schemaOf(ctx context.Context) string { return river.ClientFromContext[pgx.Tx](ctx).Schema() }
