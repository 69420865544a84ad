package book

import (
	"context"
	"fmt"

	"github.com/backlist/backlist/internal/store"
)

// Popular returns the most popular books as of the last build of the neighbours, then books without ratings by title. It is for
// visitors.
func Popular(ctx context.Context, db store.DBTX, limit int) ([]Card, error) {
	return ToRate(ctx, db, 0, 1, limit)
}

// ToRate returns the same books to a reader who has rated fewer than few, and none to others. Rated ones keep their places: if cards
// moved up under the pointer, the reader would rate the wrong book.
func ToRate(ctx context.Context, db store.DBTX, readerID int64, few, limit int) ([]Card, error) {
	ids, err := store.New().BookPopular(ctx, db, store.BookPopularParams{ReaderID: readerID, Few: int32(few), Count: int32(limit)})
	if err != nil {
		return nil, fmt.Errorf("load popular books: %w", err)
	}
	return Cards(ctx, db, readerID, ids)
}

// Also returns the books that readers of a book also liked, closest first, for a reader. It returns none for a book with too few ratings.
func Also(ctx context.Context, db store.DBTX, readerID, bookID int64, limit int) ([]Card, error) {
	ids, err := store.New().BookAlso(ctx, db, bookID, int32(limit))
	if err != nil {
		return nil, fmt.Errorf("load the neighbours of book %d: %w", bookID, err)
	}
	return Cards(ctx, db, readerID, ids)
}
