// Package shelf keeps the books that readers want to read, are reading and have read.
package shelf

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/form"
	"github.com/backlist/backlist/internal/store"
)

// Status is the shelf that a book is on, by its name in forms, URLs and the database.
type Status string

// The shelves. A book is on one of them or on none; Rated is not a shelf, but is listed like one.
const (
	None    Status = "none"
	ToRead  Status = "to-read"
	Reading Status = "reading"
	Read    Status = "read"
	Rated   Status = "rated"
)

// ParseStatus reads the form field status: to-read, reading, read or none. Anything else is a form.Invalid.
func ParseStatus(s string) (Status, error) {
	switch status := Status(s); status {
	case None, ToRead, Reading, Read:
		return status, nil
	default:
		return None, form.Invalid{"status": "Choose a shelf: to read, reading, read, or none."}
	}
}

// ParseTab reads the name of a list: a shelf or Rated. Anything else is ToRead, the first.
func ParseTab(s string) Status {
	switch status := Status(s); status {
	case ToRead, Reading, Read, Rated:
		return status
	default:
		return ToRead
	}
}

// Put places a book on a reader's shelf, or takes it off with None. A book that moves raises the reader's ratings version;
// one that is shelved leaves the reader's recommendations at once. An unknown book is pgx.ErrNoRows, and the
// transaction can only be rolled back. It belongs in a recommend.Change.
func Put(ctx context.Context, tx pgx.Tx, readerID, bookID int64, status Status) error {
	var err error
	if status == None {
		err = store.New().ShelvingDelete(ctx, tx, bookID, readerID)
	} else {
		err = store.New().ShelvingPut(ctx, tx, store.ShelvingPutParams{ReaderID: readerID, BookID: bookID, Status: string(status)})
	}
	if err != nil {
		return fmt.Errorf("put book %d on shelf %q: %w", bookID, status, store.KnownBook(err))
	}
	return nil
}
