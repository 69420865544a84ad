package reader

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/store"
)

// Summary counts what goes with an account.
type Summary struct {
	Ratings, Shelved, Messages int
}

// DeletionSummary counts what Delete would take, for the page that asks. Where the account is gone the error is
// pgx.ErrNoRows.
func DeletionSummary(ctx context.Context, db store.DBTX, readerID int64) (Summary, error) {
	row, err := store.New().ReaderDeletionSummary(ctx, db, readerID)
	if err != nil {
		return Summary{}, fmt.Errorf("count what reader %d has: %w", readerID, err)
	}
	return Summary{Ratings: int(row.Ratings), Shelved: int(row.Shelved), Messages: int(row.Messages)}, nil
}

// Delete removes a reader and, by cascade, all that hangs on the account, queued mail with it: the jobs that would send
// it find nothing and end. An account that is already gone is no error.
func Delete(ctx context.Context, tx pgx.Tx, readerID int64) error {
	if err := store.New().ReaderDelete(ctx, tx, readerID); err != nil {
		return fmt.Errorf("delete reader %d: %w", readerID, err)
	}
	return nil
}
