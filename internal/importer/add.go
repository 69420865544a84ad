package importer

import (
	"context"
	"fmt"
	"strings"

	"github.com/backlist/backlist/internal/book"
	"github.com/backlist/backlist/internal/fold"
	"github.com/backlist/backlist/internal/store"
)

// add adds the new books, with their authors and their place in the search, and the numbers of all books, by which the next reader's
// import finds them.
func (m *matcher) add(ctx context.Context) error {
	q := store.New()
	var books store.ImportBooksParams
	var authors store.ImportAuthorsParams
	var by store.BookAuthorsPutParams
	for _, i := range m.fresh {
		r, id := m.rows[i], m.verdicts[i].book
		books.Ids, books.Titles = append(books.Ids, id), append(books.Titles, r.Title)
		books.Series, books.Volumes = append(books.Series, r.Series), append(books.Volumes, r.Volume)
		books.Years = append(books.Years, int16(m.facts[i].year))
		seen := map[string]bool{}
		for _, name := range r.Authors {
			key := authorKey(name)
			if key == "" || seen[key] {
				continue
			}
			seen[key] = true
			authors.Keys, authors.Names = append(authors.Keys, key), append(authors.Names, name)
			authors.SortNames = append(authors.SortNames, sortName(name))
			by.BookIds, by.Authors, by.Positions = append(by.BookIds, id), append(by.Authors, key), append(by.Positions, int16(len(seen)-1))
		}
	}
	if len(books.Ids) > 0 {
		if err := q.ImportBooks(ctx, m.tx, books); err != nil {
			return fmt.Errorf("add books: %w", err)
		}
		if err := q.ImportAuthors(ctx, m.tx, authors); err != nil {
			return fmt.Errorf("add authors: %w", err)
		}
		if err := q.BookAuthorsPut(ctx, m.tx, by); err != nil {
			return fmt.Errorf("add the authors of books: %w", err)
		}
		if err := book.Index(ctx, m.tx, books.Ids); err != nil {
			return err
		}
	}
	var known store.ImportBookKeysParams
	for i, v := range m.verdicts {
		if v.book == 0 {
			continue
		}
		kinds, values := keys(m.rows[i])
		for n := range kinds {
			if kinds[n] != "isbn10" { // the other form of isbn13
				known.Kinds, known.Values, known.BookIds = append(known.Kinds, kinds[n]), append(known.Values, values[n]), append(known.BookIds, v.book)
			}
		}
	}
	if err := q.ImportBookKeys(ctx, m.tx, known); err != nil {
		return fmt.Errorf("add the numbers of books: %w", err)
	}
	return nil
}

// authorKey returns the key of an author, which is that of the catalogue for most of its authors.
func authorKey(name string) string { return strings.ReplaceAll(fold.String(name), " ", "-") }

// sortName returns a name as in an index: "Austen, Jane".
func sortName(name string) string {
	i := strings.LastIndexByte(name, ' ')
	if i < 0 {
		return name
	}
	return name[i+1:] + ", " + name[:i]
}
