package book

import (
	"context"

	"github.com/backlist/backlist/internal/pipeline"
	"github.com/backlist/backlist/internal/store"
)

// listing asks for all books, or for those of a subject: the ranked ones, which have ratings, the most popular first, and then the
// others by title. Two lists, because the ranked one is read from an index until the page is full, and few pages need the other.
type listing struct {
	ranked, unranked   func(ctx context.Context, db store.DBTX, skip, count int32) ([]int64, error)
	rankedCount, total func(ctx context.Context, db store.DBTX) (int32, error)
}

// listingOf returns the listing of a subject, or that of all books if subject is empty.
func listingOf(subject string) listing {
	q := store.New()
	if subject == "" {
		return listing{q.BookRanked, q.BookUnranked, q.BookRankedCount, q.BookCount}
	}
	return listing{
		ranked: func(ctx context.Context, db store.DBTX, skip, count int32) ([]int64, error) {
			return q.BookRankedOn(ctx, db, store.BookRankedOnParams{Subject: subject, Skip: skip, Count: count})
		},
		unranked: func(ctx context.Context, db store.DBTX, skip, count int32) ([]int64, error) {
			return q.BookUnrankedOn(ctx, db, store.BookUnrankedOnParams{Subject: subject, Skip: skip, Count: count})
		},
		rankedCount: func(ctx context.Context, db store.DBTX) (int32, error) { return q.BookRankedCountOn(ctx, db, subject) },
		total:       func(ctx context.Context, db store.DBTX) (int32, error) { return q.BookCountOn(ctx, db, subject) },
	}
}

// browse returns a page of a listing.
func browse(ctx context.Context, db pipeline.DB, l listing, page int) (hits, error) {
	return orLast(page, func(page int) (hits, error) {
		h := hits{page: page}
		err := pipeline.Together(ctx, db,
			func(db pipeline.DB) (err error) { h.ids, err = l.page(ctx, db, int32((page-1)*PerPage)); return err },
			func(db pipeline.DB) error {
				total, err := l.total(ctx, db)
				h.total = int(total)
				return err
			})
		return h, err
	})
}

func (l listing) page(ctx context.Context, db store.DBTX, skip int32) ([]int64, error) {
	ids, err := l.ranked(ctx, db, skip, PerPage)
	if err != nil || len(ids) == PerPage {
		return ids, err
	}
	beyond := int32(0) // the number of unranked books on earlier pages
	if len(ids) == 0 && skip > 0 {
		ranked, err := l.rankedCount(ctx, db)
		if err != nil {
			return nil, err
		}
		beyond = max(0, skip-ranked)
	}
	others, err := l.unranked(ctx, db, beyond, int32(PerPage-len(ids)))
	return append(ids, others...), err
}
