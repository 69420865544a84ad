package recommend

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/store"
)

// LastDismissed returns the book that the reader dismissed last, if that was within the given time, or else a BookID of
// 0. A page offers to undo the dismissal.
func LastDismissed(ctx context.Context, db store.DBTX, readerID int64, within time.Duration) (Reason, error) {
	row, err := store.New().DismissalLast(ctx, db, readerID, within.Seconds())
	if errors.Is(err, pgx.ErrNoRows) {
		return Reason{}, nil
	}
	if err != nil {
		return Reason{}, fmt.Errorf("read the last dismissal: %w", err)
	}
	return Reason{BookID: row.BookID, Title: row.Title}, nil
}
