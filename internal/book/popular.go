package book

import (
	"context"
	"fmt"

	"github.com/backlist/backlist/internal/store"
)

// Popular returns the most popular books as of the last build of the neighbours, then books without ratings by title.
func Popular(ctx context.Context, db store.DBTX, limit int) ([]Card, error) {
	ids, err := store.New().BookPopular(ctx, db, int32(limit))
	if err != nil {
		return nil, fmt.Errorf("load popular books: %w", err)
	}
	return Cards(ctx, db, ids)
}

// Also returns the books that readers of a book also liked, closest first. It returns none for a book with too few ratings.
func Also(ctx context.Context, db store.DBTX, bookID int64, limit int) ([]Card, error) {
	ids, err := store.New().BookAlso(ctx, db, bookID, int32(limit))
	if err != nil {
		return nil, fmt.Errorf("load the neighbours of book %d: %w", bookID, err)
	}
	return Cards(ctx, db, ids)
}
