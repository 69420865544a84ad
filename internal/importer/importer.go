// Package importer brings the books that readers have listed at other reading sites. Start stores the rows of an uploaded file,
// and a job matches each with a book of the catalogue, or adds the book, and then writes the reader's ratings and shelves. The
// job goes in steps, each of which is committed once, so that it continues where a dead worker stopped.
//
// What a reader has changed on this site since the last import counts more than the file. Table imported has what the last
// import wrote, so that both can be told apart.
package importer

import (
	"errors"
	"time"

	"github.com/backlist/backlist/internal/store"
	"github.com/backlist/backlist/internal/work"
)

// DB is the database of the worker: a pool in production, a transaction in tests.
type DB interface {
	store.DBTX
	work.DB
}

var (
	// ErrBusy means that the reader has an unfinished import.
	ErrBusy = errors.New("the reader has an unfinished import")
	// ErrTooMany means that the reader has imported many files today.
	ErrTooMany = errors.New("too many imports in a day")
	// ErrOver means that an act came too late: the import has ended, its rows are deleted, or the row is settled.
	ErrOver = errors.New("the import can no longer be changed in this way")
)

const (
	// PerDay is the number of files that a reader may import in a day, because each may add books to the catalogue.
	PerDay = 20
	// Kept is how long the rows of an import are kept, and how long it can be undone.
	Kept = 24 * time.Hour
)

// The outcomes of rows, as in table import_row.
const (
	Waiting = "waiting"
	Added   = "added"
	Changed = "changed"
	Same    = "same"
	Merged  = "merged"
	KeptOwn = "kept"
	Unclear = "unclear"
	Skipped = "skipped"
	Failed  = "failed"
)

// Outcomes returns all outcomes.
func Outcomes() []string {
	return []string{Waiting, Added, Changed, Same, Merged, KeptOwn, Unclear, Skipped, Failed}
}
