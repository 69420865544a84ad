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

// Mine returns a reader's ratings and shelves of these books, by book id. It leaves out books that have neither.
func Mine(ctx context.Context, db store.DBTX, readerID int64, bookIDs []int64) (map[int64]Said, error) {
	rows, err := store.New().BookMine(ctx, db, bookIDs, readerID)
	if err != nil {
		return nil, fmt.Errorf("load ratings and shelves of reader %d: %w", readerID, err)
	}
	said := make(map[int64]Said, len(rows))
	for _, r := range rows {
		said[r.BookID] = Said{Stars: Stars(r.Stars), Shelf: r.Status}
	}
	return said, nil
}
