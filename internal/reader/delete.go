package reader

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/store"
)

// Summary counts the data that Delete removes with an account.
type Summary struct {
	Ratings, Shelved, Messages int
	LastOperator               bool // afterwards no account may act in the console
}

// DeletionSummary counts what Delete would remove, for the page that asks for confirmation. It returns pgx.ErrNoRows if
// the account does not exist.
func DeletionSummary(ctx context.Context, db store.DBTX, readerID int64) (Summary, error) {
	row, err := store.New().ReaderDeletionSummary(ctx, db, readerID)
	if err != nil {
		return Summary{}, fmt.Errorf("count the data of reader %d: %w", readerID, err)
	}
	return Summary{Ratings: int(row.Ratings), Shelved: int(row.Shelved), Messages: int(row.Messages), LastOperator: row.LastOperator}, nil
}

// Delete deletes a reader and, by cascade, all of the account's data, including queued mail: the jobs that would send
// it find no message and complete. Unlike RemoveOperator it does not keep the last operator, because readers decide about
// their data; backlist operator add names another. Deleting an account that does not exist is not an error.
func Delete(ctx context.Context, tx pgx.Tx, readerID int64) error {
	if err := store.New().ReaderDelete(ctx, tx, readerID); err != nil {
		return fmt.Errorf("delete reader %d: %w", readerID, err)
	}
	return nil
}
