package work

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/backlist/backlist/internal/work/bound"
	"github.com/backlist/backlist/internal/work/metadata"
)

//go:embed sql/keep_cursor.sql
var keepCursorSQL string

// Advance does one step of a long job: in one transaction that holds the fence it runs the step's effects and stores cursor,
// from which the next attempt continues. So the effects of each step are committed once, even if the worker dies. It
// returns the same errors as Finish, which a long job must still call at its end.
func Advance[T river.JobArgs](ctx context.Context, db DB, job *river.Job[T], cursor any, effects func(tx pgx.Tx) error) error {
	text, err := json.Marshal(cursor)
	if err != nil {
		return fmt.Errorf("the cursor: %w", err)
	}
	if len(text) > bound.Value {
		return fmt.Errorf("the cursor has %d bytes; the limit is %d", len(text), bound.Value)
	}
	sql := statement(ctx, keepCursorSQL)
	return Hold(ctx, db, job, func(tx pgx.Tx) error {
		if err := effects(tx); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, sql, pgx.NamedArgs{"id": job.ID, "cursor": string(text)})
		if err != nil {
			return fmt.Errorf("store the cursor: %w", err)
		}
		if r := runOf(ctx); r != nil {
			r.advanced.Store(true)
		}
		return nil
	})
}

// Cursor reads the cursor that earlier attempts stored. If there is none it returns false and leaves cursor unchanged. It does
// not see the steps of the present attempt.
func Cursor[T river.JobArgs](job *river.Job[T], cursor any) (bool, error) {
	kept := metadata.CursorOf(job.JobRow)
	if kept == nil {
		return false, nil
	}
	if err := json.Unmarshal(kept, cursor); err != nil {
		return false, fmt.Errorf("the cursor: %w", err)
	}
	return true, nil
}
