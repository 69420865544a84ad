// Package seed loads the data of a new site: the catalogue and, for a demonstration, invented readers. Loading again
// adds what is missing and does not change readers' ratings and shelves.
package seed

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/book"
	"github.com/backlist/backlist/internal/catalogue"
	"github.com/backlist/backlist/internal/store"
)

// Catalogue adds the new books, authors and subjects of c, updates the others, and indexes all books for search. It
// returns the number of new books. Loading again changes nothing. Readers' ratings and books from other sources stay.
// Concurrent loads run one after the other, until their transactions end.
func Catalogue(ctx context.Context, tx pgx.Tx, c *catalogue.Catalogue) (added int, err error) {
	q := store.New()
	if err := q.CatalogueLock(ctx, tx); err != nil {
		return 0, fmt.Errorf("wait for another seed: %w", err)
	}
	if err := loadSubjects(ctx, tx, c.Subjects); err != nil {
		return 0, fmt.Errorf("load subjects: %w", err)
	}
	if err := loadAuthors(ctx, tx, c.Authors); err != nil {
		return 0, fmt.Errorf("load authors: %w", err)
	}
	ids, added, err := loadBooks(ctx, tx, c.Books)
	if err != nil {
		return 0, fmt.Errorf("load books: %w", err)
	}
	if err := loadLinks(ctx, tx, c.Books, ids); err != nil {
		return 0, fmt.Errorf("load the authors and subjects of books: %w", err)
	}
	if err := book.Index(ctx, tx, ids); err != nil {
		return 0, err
	}
	if added == 0 {
		return 0, nil
	}
	// Without statistics the planner would expect empty tables at the first searches.
	if _, err := tx.Exec(ctx, "analyze book, author, book_author, book_key, book_subject, book_word, word_variant"); err != nil {
		return 0, fmt.Errorf("gather statistics: %w", err)
	}
	return added, nil
}

func loadSubjects(ctx context.Context, tx pgx.Tx, subjects []catalogue.Subject) error {
	var keys, names []string
	for _, s := range subjects {
		keys, names = append(keys, s.Slug), append(names, s.Name)
	}
	return store.New().SubjectsPut(ctx, tx, keys, names)
}

func loadAuthors(ctx context.Context, tx pgx.Tx, authors []catalogue.Author) error {
	var p store.AuthorsPutParams
	for _, a := range authors {
		p.Keys, p.Names, p.SortNames = append(p.Keys, a.Slug), append(p.Names, a.Name), append(p.SortNames, a.SortName)
		p.Born, p.Died = append(p.Born, int16(a.Born)), append(p.Died, int16(a.Died))
	}
	return store.New().AuthorsPut(ctx, tx, p)
}

// loadBooks returns the ids of the books in their order, and the number of new ones.
func loadBooks(ctx context.Context, tx pgx.Tx, books []catalogue.Book) (ids []int64, added int, err error) {
	var p store.BooksPutParams
	keys := make([]string, len(books))
	for i, b := range books {
		keys[i] = b.Slug
		p.Titles, p.OriginalTitles = append(p.Titles, b.Title), append(p.OriginalTitles, b.OriginalTitle)
		p.Years, p.Abouts = append(p.Years, int16(b.Year)), append(p.Abouts, b.About)
		p.Series, p.Volumes = append(p.Series, b.Series), append(p.Volumes, b.Volume)
	}
	q := store.New()
	rows, err := q.BooksReserve(ctx, tx, keys)
	if err != nil {
		return nil, 0, err
	}
	byKey := make(map[string]int64, len(rows))
	for _, r := range rows {
		byKey[r.Key] = r.ID
		if r.Fresh {
			added++
		}
	}
	for _, key := range keys {
		p.Ids = append(p.Ids, byKey[key])
	}
	if err := q.BooksPut(ctx, tx, p); err != nil {
		return nil, 0, err
	}
	return p.Ids, added, q.BookKeysPut(ctx, tx, keys, p.Ids)
}

// loadLinks sets the authors and subjects of the books with these ids to those of the catalogue.
func loadLinks(ctx context.Context, tx pgx.Tx, books []catalogue.Book, ids []int64) error {
	var by store.BookAuthorsPutParams
	on := store.BookSubjectsPruneParams{Ids: ids}
	for i, b := range books {
		for n, author := range b.Authors {
			by.BookIds, by.Authors, by.Positions = append(by.BookIds, ids[i]), append(by.Authors, author), append(by.Positions, int16(n))
		}
		for _, subject := range b.Subjects {
			on.BookIds, on.Subjects = append(on.BookIds, ids[i]), append(on.Subjects, subject)
		}
	}
	q := store.New()
	if err := q.BookAuthorsPrune(ctx, tx, store.BookAuthorsPruneParams{Ids: ids, BookIds: by.BookIds, Authors: by.Authors}); err != nil {
		return err
	}
	if err := q.BookAuthorsPut(ctx, tx, by); err != nil {
		return err
	}
	if err := q.BookSubjectsPrune(ctx, tx, on); err != nil {
		return err
	}
	return q.BookSubjectsPut(ctx, tx, on.BookIds, on.Subjects)
}
