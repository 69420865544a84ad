package book_test

import (
	"testing"

	"github.com/backlist/backlist/internal/book"
	"github.com/backlist/backlist/internal/testdb"
)

func TestIndexHugeTitle(t *testing.T) {
	t.Parallel()
	tx := testdb.Tx(t)
	// Each U+FDFA folds to 18 letters, so the longest title that the table accepts becomes far longer than an index entry.
	title := ""
	for range 500 {
		title += "ﷺ"
	}
	id := newBook(t, tx, title)
	if err := book.Index(t.Context(), tx, []int64{id}); err != nil {
		t.Fatal(err)
	}
}
