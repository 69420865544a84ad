package surface

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// Restored is the result of undoing an entry of jobs.audit for one job, or for a wait target.
type Restored struct {
	Entry   int64
	ID      *int64 // the job; nil if the entry is of a wait target, or as a whole cannot be undone
	State   *string
	Changed bool    // in a preview: it would change
	Note    *string // why it was left unchanged
	Code    *string // the same for a program: jobs.may and jobs.undoable document the codes
}

// Undo undoes entries of jobs.audit, in one transaction.
func Undo(ctx context.Context, db DB, entries []int64, by By) (list []Restored, err error) {
	err = by.Transaction(ctx, db, func(tx pgx.Tx) error {
		list, err = query(ctx, tx, pgx.RowToStructByPos[Restored], "select audit_id, id, state, changed, note, code from jobs.undo($1::bigint[], $2)", entries, by.Reason)
		return err
	})
	return list, err
}

// MayUndo returns what Undo would do, judging each entry by itself.
func MayUndo(ctx context.Context, db DB, entries []int64) (list []Restored, err error) {
	err = refused(pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		list, err = query(ctx, tx, pgx.RowToStructByPos[Restored], "select audit_id, id, state, code is null, note, code from jobs.may_undo($1::bigint[])", entries)
		return err
	}), true)
	return list, err
}

// Entries returns the entries of jobs.audit that this transaction has written, oldest first.
func Entries(ctx context.Context, tx pgx.Tx) ([]int64, error) {
	return query(ctx, tx, pgx.RowTo[int64], "select id from jobs.audit where "+ofThisTransaction+" order by id")
}

// Copy enqueues a job again, with changes to its arguments, in JSON. If another job holds the unique key, Copy returns its
// id, and duplicate is true.
func Copy(ctx context.Context, db DB, id int64, changes string, by By) (copied int64, duplicate bool, err error) {
	err = by.Transaction(ctx, db, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, "select id, duplicate from jobs.copy($1, $2::json, $3)", id, changes, by.Reason).Scan(&copied, &duplicate)
	})
	return copied, duplicate, err
}

// Merged returns arguments with changes merged into them as Copy does, all in JSON. Changes that Postgres cannot store are a
// Refusal.
func Merged(ctx context.Context, db DB, args, changes string) (merged string, err error) {
	err = refused(pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, "select jobs.merged($1::text::jsonb, $2::text::jsonb)::text", args, changes).Scan(&merged)
	}), true)
	return merged, err
}
