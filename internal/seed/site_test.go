package seed_test

import (
	"testing"

	"github.com/backlist/backlist/internal/book"
	"github.com/backlist/backlist/internal/catalogue"
	"github.com/backlist/backlist/internal/demo"
	"github.com/backlist/backlist/internal/seed"
	"github.com/backlist/backlist/internal/testdb"
)

// indexes lists all constraints and indexes.
const indexes = `select array_agg(line order by line) from (
	select conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) as line from pg_constraint where connamespace = 'public'::regnamespace
	union all select pg_get_indexdef(indexrelid) from pg_index join pg_class c on c.oid = indexrelid where relnamespace = 'public'::regnamespace) l`

// TestSite: a site has the wanted size and the constraints and indexes from before, its books are found by the search as if
// book.Index had indexed them, and new rows continue its ids.
func TestSite(t *testing.T) {
	t.Parallel()
	tx := testdb.Tx(t)
	books := small()
	if _, err := seed.Catalogue(t.Context(), tx, books); err != nil {
		t.Fatal(err)
	}
	before := scan[[]string](t, tx, indexes)
	site := demo.NewSite(books, demo.Size{Books: 60, Readers: 30, Ratings: 200})
	filled := map[string]bool{}
	if err := seed.Site(t.Context(), tx, site, "no hash", func(table string, done, of int) { filled[table] = done == of }); err != nil {
		t.Fatal(err)
	}
	if after := scan[[]string](t, tx, indexes); len(after) != len(before) || len(before) == 0 {
		t.Errorf("%d constraints and indexes, before %d", len(after), len(before))
	} else {
		for i := range after {
			if after[i] != before[i] {
				t.Errorf("%s, before %s", after[i], before[i])
			}
		}
	}
	if len(filled) < 10 {
		t.Errorf("progress of only %v", filled)
	}
	if n := scan[int](t, tx, "select count(*) from book"); n != 60 {
		t.Errorf("%d books", n)
	}
	if n := scan[int](t, tx, "select count(*) from reader"); n != 30 {
		t.Errorf("%d readers", n)
	}
	if n := scan[int](t, tx, "select count(*) from rating"); n < 100 || n > 400 {
		t.Errorf("%d ratings", n)
	}
	var ids []int64
	if ids = scan[[]int64](t, tx, "select array_agg(id) from book"); len(ids) != 60 {
		t.Fatal(len(ids))
	}
	const words = "select count(*) || ' ' || sum(hashtext(word || weight || ' ' || book_id)) from book_word"
	const variants = "select count(*) || ' ' || sum(hashtext(variant || ' ' || word)) from word_variant"
	word, variant := scan[string](t, tx, words), scan[string](t, tx, variants)
	if err := book.Index(t.Context(), tx, ids); err != nil {
		t.Fatal(err)
	}
	if now := scan[string](t, tx, words); now != word {
		t.Errorf("book.Index makes words %s of %s", now, word)
	}
	if now := scan[string](t, tx, variants); now != variant {
		t.Errorf("book.Index makes variants %s of %s", now, variant)
	}
	found, err := book.Search(t.Context(), tx, book.Query{Text: site.Book(40).Title})
	if err != nil || found.Total == 0 {
		t.Errorf("search for %q: %d books, %v", site.Book(40).Title, found.Total, err)
	}
	newReader(t, tx)
	books.Books = append(books.Books, catalogue.Book{Slug: "later", Title: "Later", Authors: []string{"austen"}})
	if added, err := seed.Catalogue(t.Context(), tx, books); err != nil || added != 1 {
		t.Errorf("another book: %d, %v", added, err)
	}
}
