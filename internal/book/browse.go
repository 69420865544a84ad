package book

import (
	"context"

	"github.com/backlist/backlist/internal/store"
)

// listing asks for all books, or for those of a subject: the ranked ones, which have ratings, the most popular first, and then the
// others by title. Two lists, because the ranked one is read from an index until the page is full, and few pages need the other.
type listing struct {
	ranked, unranked func(ctx context.Context, skip, count int32) ([]int64, error)
	rankedCount      func(ctx context.Context) (int32, error)
	total            func(ctx context.Context) (int32, error)
}

// listingOf returns the listing of a subject, or that of all books if subject is empty.
func listingOf(db store.DBTX, subject string) listing {
	q := store.New()
	if subject == "" {
		return listing{
			ranked: func(ctx context.Context, skip, count int32) ([]int64, error) {
				return q.BookRanked(ctx, db, skip, count)
			},
			unranked: func(ctx context.Context, skip, count int32) ([]int64, error) {
				return q.BookUnranked(ctx, db, skip, count)
			},
			rankedCount: func(ctx context.Context) (int32, error) { return q.BookRankedCount(ctx, db) },
			total:       func(ctx context.Context) (int32, error) { return q.BookCount(ctx, db) },
		}
	}
	return listing{
		ranked: func(ctx context.Context, skip, count int32) ([]int64, error) {
			return q.BookRankedOn(ctx, db, store.BookRankedOnParams{Subject: subject, Skip: skip, Count: count})
		},
		unranked: func(ctx context.Context, skip, count int32) ([]int64, error) {
			return q.BookUnrankedOn(ctx, db, store.BookUnrankedOnParams{Subject: subject, Skip: skip, Count: count})
		},
		rankedCount: func(ctx context.Context) (int32, error) { return q.BookRankedCountOn(ctx, db, subject) },
		total:       func(ctx context.Context) (int32, error) { return q.BookCountOn(ctx, db, subject) },
	}
}

// browse returns a page of a listing.
func browse(ctx context.Context, l listing, page int) (hits, error) {
	return orLast(page, func(page int) (h hits, err error) {
		h.page = page
		skip := int32((page - 1) * PerPage)
		if h.ids, err = l.ranked(ctx, skip, PerPage); err != nil {
			return hits{}, err
		}
		if len(h.ids) < PerPage {
			ranked, err := l.rankedCount(ctx)
			if err != nil {
				return hits{}, err
			}
			others, err := l.unranked(ctx, max(0, skip-ranked), int32(PerPage-len(h.ids)))
			if err != nil {
				return hits{}, err
			}
			h.ids = append(h.ids, others...)
		}
		total, err := l.total(ctx)
		h.total = int(total)
		return h, err
	})
}
