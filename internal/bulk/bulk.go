// Package bulk acts on all jobs that match a search line. Preview says what an act would do, and Start writes a row that
// jobs.bulk shows. The Runner of any worker or web process then acts in chunks, under a lease, so that another process
// goes on after one that was killed. It is not a job of River, because a paused queue must not stop it.
//
//	preview.go  what an act would do
//	bulk.go     start, confirm, cancel and undo, for people
//	runner.go   the loop of a process: takes the lease and works chunk by chunk
//	chunk.go    one chunk: one transaction with its cursor and counts
package bulk

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/surface"
)

// Start starts the act that was previewed, and returns its number in jobs.bulk.
func (p Plan) Start(ctx context.Context, db surface.DB, by surface.By) (id int64, err error) {
	f, err := filterOf(p.Act, p.Search, time.Now())
	if err != nil {
		return 0, err
	}
	line := f.String()
	if _, err := surface.ParseSearch(line); err != nil { // in this form it may be too long
		return 0, err
	}
	if err := f.Storable(ctx, db); err != nil {
		return 0, err
	}
	expected := &p.Matches
	if p.More {
		expected = nil
	}
	err = by.Transaction(ctx, db, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, "select jobs.start_bulk($1, $2, $3, $4, $5, coalesce(nullif($6, '')::timestamptz, now() + nullif($7::interval, '0')))",
			p.Act, line, p.HighestID, expected, by.Reason, by.Until, by.For).Scan(&id)
	})
	return id, err
}

// Confirm lets an act go on whose matches have grown to the number that the person who confirms has seen.
func Confirm(ctx context.Context, db surface.DB, id, matches int64, by surface.By) error {
	return by.Transaction(ctx, db, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "select jobs.confirm_bulk($1, $2, $3)", id, matches, by.Reason)
		return err
	})
}

// Cancel stops an act. Once Cancel has returned, the act changes no further job.
func Cancel(ctx context.Context, db surface.DB, id int64, by surface.By) error {
	return by.Transaction(ctx, db, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "select jobs.cancel_bulk($1, $2)", id, by.Reason)
		return err
	})
}

// Undo starts the undoing of an act, and returns its number in jobs.bulk.
func Undo(ctx context.Context, db surface.DB, id int64, by surface.By) (undo int64, err error) {
	err = by.Transaction(ctx, db, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, "select jobs.undo_bulk($1, $2)", id, by.Reason).Scan(&undo)
	})
	return undo, err
}
