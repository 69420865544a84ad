package shelf

import (
	"context"
	"fmt"

	"github.com/backlist/backlist/internal/book"
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
func List(ctx context.Context, db store.DBTX, readerID int64, status Status, page int) (Page, error) {
	q := store.New()
	n, err := q.ShelfCounts(ctx, db, readerID)
	if err != nil {
		return Page{}, fmt.Errorf("count the shelves of reader %d: %w", readerID, err)
	}
	p := Page{Status: status, ToRead: int(n.ToRead), Reading: int(n.Reading), Read: int(n.Read), Rated: int(n.Rated)}
	p.Pages = max(1, (p.count()+PerPage-1)/PerPage)
	p.Page = min(max(page, 1), p.Pages)
	skip := int32((p.Page - 1) * PerPage)
	var ids []int64
	if status == Rated {
		ids, err = q.ShelfRated(ctx, db, store.ShelfRatedParams{ReaderID: readerID, Skip: skip, Count: PerPage})
	} else {
		ids, err = q.ShelfBooks(ctx, db, store.ShelfBooksParams{ReaderID: readerID, Status: string(status), Skip: skip, Count: PerPage})
	}
	if err != nil {
		return Page{}, fmt.Errorf("list shelf %q of reader %d: %w", status, readerID, err)
	}
	p.Books, err = book.Cards(ctx, db, ids)
	return p, err
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
