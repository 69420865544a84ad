package book

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/store"
)

// Rate records or replaces a reader's rating of a book, and raises the reader's ratings version unless the stars stay
// the same. None removes the rating. For an unknown book Rate returns pgx.ErrNoRows, and the transaction can only be rolled back. Call
// it in a recommend.Change.
func Rate(ctx context.Context, tx pgx.Tx, readerID, bookID int64, stars Stars) error {
	if stars == None {
		return Unrate(ctx, tx, readerID, bookID)
	}
	err := store.New().RatingPut(ctx, tx, store.RatingPutParams{ReaderID: readerID, BookID: bookID, Stars: int16(stars)})
	if err != nil {
		return fmt.Errorf("rate book %d: %w", bookID, store.KnownBook(err))
	}
	return nil
}

// Unrate is like Rate, but removes the rating. A missing rating is not an error.
func Unrate(ctx context.Context, tx pgx.Tx, readerID, bookID int64) error {
	if err := store.New().RatingDelete(ctx, tx, bookID, readerID); err != nil {
		return fmt.Errorf("unrate book %d: %w", bookID, store.KnownBook(err))
	}
	return nil
}

// Said is a reader's rating and shelf of a book.
type Said struct {
	Stars Stars
	Shelf string // to-read, reading, read, or empty
}

// Mine returns a reader's rating and shelf of a book. A visitor (0) has none.
func Mine(ctx context.Context, db store.DBTX, readerID, bookID int64) (Said, error) {
	if readerID == 0 {
		return Said{}, nil
	}
	row, err := store.New().BookMine(ctx, db, readerID, bookID)
	if err != nil {
		return Said{}, fmt.Errorf("load the rating and shelf of book %d: %w", bookID, err)
	}
	return Said{Stars: Stars(row.Stars), Shelf: row.Status}, nil
}
