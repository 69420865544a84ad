package record

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/work/pilot"
)

// addition is a statement that adds to a row which all processes share. It may run later: the sum is the same.
type addition struct {
	sql  string
	args pgx.NamedArgs
}

const (
	// owedMost bounds how many sums are kept for later while their rows are locked; the oldest are dropped.
	owedMost = 10_000
	// lockedInARow is the number of successive locked rows after which the whole table is assumed to be locked.
	lockedInARow = 5
)

// addAll adds sums in the transaction. If rows are locked it adds the sums one by one, and returns those that it could not add.
func addAll(ctx context.Context, tx pgx.Tx, sums []addition) (owed []addition, err error) {
	if len(sums) == 0 {
		return nil, nil
	}
	err = addTogether(ctx, tx, sums...)
	if !pilot.IsContended(err) {
		return nil, err
	}
	row := 0
	for i, s := range sums {
		if row == lockedInARow {
			owed = append(owed, sums[i:]...)
			break
		}
		err = addTogether(ctx, tx, s)
		switch {
		case pilot.IsContended(err):
			owed, row = append(owed, s), row+1
		case err != nil:
			return nil, err
		default:
			row = 0
		}
	}
	return owed, nil
}

// addTogether adds all of the sums or, if it returns an error, none; the transaction remains usable.
func addTogether(ctx context.Context, tx pgx.Tx, sums ...addition) error {
	batch := &pgx.Batch{}
	batch.Queue("savepoint sums")
	for _, s := range sums {
		batch.Queue(s.sql, s.args)
	}
	batch.Queue("release sums")
	err := tx.SendBatch(ctx, batch).Close()
	if err != nil {
		if _, back := tx.Exec(ctx, "rollback to sums"); back != nil {
			return back
		}
	}
	return err
}
