package book

import (
	"context"
	"fmt"

	"github.com/backlist/backlist/internal/store"
)

// Popular returns the best loved books as of the last build of the neighbours; books without ratings follow by title.
func Popular(ctx context.Context, db store.DBTX, limit int) ([]Card, error) {
	ids, err := store.New().BookPopular(ctx, db, int32(limit))
	if err != nil {
		return nil, fmt.Errorf("load popular books: %w", err)
	}
	return Cards(ctx, db, ids)
}

// Also returns what readers of a book also liked, the most alike first; nothing for a book of which too little is known.
func Also(ctx context.Context, db store.DBTX, bookID int64, limit int) ([]Card, error) {
	ids, err := store.New().BookAlso(ctx, db, bookID, int32(limit))
	if err != nil {
		return nil, fmt.Errorf("load the neighbours of book %d: %w", bookID, err)
	}
	return Cards(ctx, db, ids)
}
