package work

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/riverqueue/river"

	"github.com/backlist/backlist/db"
	"github.com/backlist/backlist/internal/work/pilot"
)

var (
	//go:embed sql/finish.sql
	finishSQL string
	//go:embed sql/hold.sql
	holdSQL string
)

// ErrLost means that this attempt no longer holds the job, which was rescued, cancelled or deleted. Nothing was written.
var ErrLost = errors.New("the job no longer belongs to this attempt")

// Finish completes the job and runs effects in one transaction, provided that this attempt still holds the job (the fence).
// A late attempt changes nothing and gets ErrLost, which the worker must return. The row is completed before effects run, so
// that effects may enqueue the same unique job again.
//
// Do everything slow, above all every network call, before Finish. The lock order is the job's row, then any other row:
// effects run after the fence, and code that enqueues a job for a reader does so before it writes the reader's row. The
// latest progress is stored in the same transaction; other metadata that the worker recorded (river.RecordOutput) follows a
// moment later.
func Finish[T river.JobArgs](ctx context.Context, db DB, job *river.Job[T], effects func(tx pgx.Tx) error) error {
	r := runOf(ctx)
	moved := r.moved(job.JobRow) // then the cursor is removed: a job that is run once more starts from the beginning
	last := r.takeProgress()
	sql := statement(ctx, finishSQL)
	complete := func(tx pgx.Tx) (pgconn.CommandTag, error) {
		return tx.Exec(ctx, sql, job.ID, job.Attempt, job.AttemptedBy[len(job.AttemptedBy)-1], moved, last)
	}
	err := fenced(ctx, db, complete, effects)
	if err != nil && last != nil {
		r.returnProgress(last)
	}
	if err == nil && r != nil {
		r.finish()
	}
	return err
}

// Hold runs effects in one transaction that holds the fence, without completing the job: for effects that must be
// committed before a slow step. It returns the same errors as Finish.
func Hold[T river.JobArgs](ctx context.Context, db DB, job *river.Job[T], effects func(tx pgx.Tx) error) error {
	sql := statement(ctx, holdSQL)
	lock := func(tx pgx.Tx) (pgconn.CommandTag, error) {
		return tx.Exec(ctx, sql, job.ID, job.Attempt, job.AttemptedBy[len(job.AttemptedBy)-1])
	}
	return fenced(ctx, db, lock, effects)
}

// lockedWait is the first wait before the fence is retried when other transactions have the row locked; it doubles up to
// lockedWaitMost.
const (
	lockedWait     = 20 * time.Millisecond
	lockedWaitMost = time.Second
)

// fenced runs effects in a transaction that begins with fence, a statement that locks the job's row if this attempt holds the
// job. It returns ErrLost if the statement found no row. While other transactions have the row locked it tries again, each
// time in a new transaction.
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

// statement rewrites SQL from a file for the running job's client.
func statement(ctx context.Context, sql string) string {
	return db.Statement(sql, river.ClientFromContext[pgx.Tx](ctx).Schema())
}
