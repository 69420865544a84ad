package shelf

import (
	"context"
	"fmt"

	"github.com/backlist/backlist/internal/book"
	"github.com/backlist/backlist/internal/pipeline"
	"github.com/backlist/backlist/internal/store"
)

// PerPage is the number of books on a page of a list.
const PerPage = 24

// Page is a page of one of a reader's lists, the latest books first.
type Page struct {
	Status                       Status
	Books                        []book.Card
	ToRead, Reading, Read, Rated int // number of books in each list
	Page, Pages                  int // from 1
}

// List returns a page of a reader's shelf, or of the books that the reader has rated (Rated). Beyond the last page it
// returns the last.
func List(ctx context.Context, db pipeline.DB, readerID int64, status Status, page int) (Page, error) {
	page = min(max(page, 1), lastPage)
	var n store.ShelfCountsRow
	var ids []int64
	err := pipeline.Together(ctx, db,
		func(db pipeline.DB) (err error) { n, err = store.New().ShelfCounts(ctx, db, readerID); return err },
		func(db pipeline.DB) (err error) { ids, err = books(ctx, db, readerID, status, page); return err })
	if err != nil {
		return Page{}, fmt.Errorf("list shelf %q of reader %d: %w", status, readerID, err)
	}
	p := Page{Status: status, ToRead: int(n.ToRead), Reading: int(n.Reading), Read: int(n.Read), Rated: int(n.Rated)}
	p.Pages = max(1, (p.count()+PerPage-1)/PerPage)
	if p.Page = min(page, p.Pages); p.Page < page {
		if ids, err = books(ctx, db, readerID, status, p.Page); err != nil {
			return Page{}, fmt.Errorf("list shelf %q of reader %d: %w", status, readerID, err)
		}
	}
	p.Books, err = book.Cards(ctx, db, readerID, ids)
	return p, err
}

// lastPage bounds page numbers, so that an offset fits an int32.
const lastPage = 1 << 20

func books(ctx context.Context, db store.DBTX, readerID int64, status Status, page int) ([]int64, error) {
	skip := int32((page - 1) * PerPage)
	if status == Rated {
		return store.New().ShelfRated(ctx, db, store.ShelfRatedParams{ReaderID: readerID, Skip: skip, Count: PerPage})
	}
	return store.New().ShelfBooks(ctx, db, store.ShelfBooksParams{ReaderID: readerID, Status: string(status), Skip: skip, Count: PerPage})
}

func (p Page) count() int {
	switch p.Status {
	case ToRead:
		return p.ToRead
	case Reading:
		return p.Reading
	case Read:
		return p.Read
	case Rated:
		return p.Rated
	default:
		return 0
	}
}
