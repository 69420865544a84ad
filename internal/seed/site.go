package seed

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/book"
	"github.com/backlist/backlist/internal/demo"
	"github.com/backlist/backlist/internal/store"
)

// Step reports how much of a table is filled.
type Step func(table string, done, of int)

// Site fills a database, which has the catalogue and no readers yet, with the rest of an invented site, in minutes rather than
// the hours that ordinary statements would take. All its readers have the same password.
func Site(ctx context.Context, tx pgx.Tx, site *demo.Site, passwordHash string, step Step) error {
	f := &filler{tx: tx, site: site, step: step}
	rows, err := tx.Query(ctx, "select id from book order by id")
	if err != nil {
		return fmt.Errorf("list books: %w", err)
	}
	if f.catalogue, err = pgx.CollectRows(rows, pgx.RowTo[int64]); err != nil {
		return fmt.Errorf("list books: %w", err)
	}
	if f.known = len(f.catalogue); f.known > 0 {
		f.lastBook = f.catalogue[f.known-1]
	}
	tables := []string{
		"book", "book_key", "book_author", "book_subject", "book_word", "word_variant", "reader", "rating", "shelving", "message",
	}
	if _, err := tx.Exec(ctx, "set local maintenance_work_mem = '512MB'"); err != nil { // to restore the indexes
		return fmt.Errorf("set memory: %w", err)
	}
	return unindexed(ctx, tx, tables, step, func() error {
		if err := f.books(ctx); err != nil {
			return err
		}
		if err := f.words(ctx); err != nil {
			return err
		}
		return f.readers(ctx, passwordHash)
	})
}

// filler fills the tables.
type filler struct {
	tx        pgx.Tx
	site      *demo.Site
	step      Step
	catalogue []int64 // ids of the catalogue's books, in their order
	known     int     // their number
	lastBook  int64   // the highest of their ids
}

// bookID returns the id of the book with a number.
func (f *filler) bookID(number int) int64 {
	if number < f.known {
		return f.catalogue[number]
	}
	return f.lastBook + int64(number-f.known) + 1
}

// progressEvery is the number of rows after which progress is reported.
const progressEvery = 20_000

// copy fills a table with the rows that next returns, until it returns nil.
func (f *filler) copy(ctx context.Context, table string, of int, columns string, next func() []any) error {
	n := 0
	_, err := f.tx.CopyFrom(ctx, pgx.Identifier{table}, strings.Fields(columns), pgx.CopyFromFunc(func() ([]any, error) {
		row := next()
		if n++; n%progressEvery == 0 && n < of && row != nil {
			f.step(table, n, of)
		}
		return row, ctx.Err()
	}))
	if err != nil {
		return fmt.Errorf("fill %s: %w", table, err)
	}
	f.step(table, of, of)
	return nil
}

// each returns the rows of the numbers from first to below end, one each.
func each(first, end int, row func(i int) []any) func() []any {
	return func() []any {
		if first >= end {
			return nil
		}
		first++
		return row(first - 1)
	}
}

// many is like each, with any number of rows for a number.
func many(first, end int, rows func(i int) [][]any) func() []any {
	var pending [][]any
	return func() []any {
		for len(pending) == 0 {
			if first >= end {
				return nil
			}
			pending = rows(first)
			first++
		}
		row := pending[0]
		pending = pending[1:]
		return row
	}
}

// words fills the index of the search as book.Index does.
func (f *filler) words(ctx context.Context) error {
	rows, err := f.tx.Query(ctx, "select distinct word from word_variant")
	if err != nil {
		return fmt.Errorf("list the words of the index: %w", err)
	}
	known, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("list the words of the index: %w", err)
	}
	seen := make(map[string]bool, len(known))
	for _, word := range known {
		seen[word] = true
	}
	names := f.subjectNames()
	var fresh []string
	err = f.copy(ctx, "book_word", 11*(f.site.Books-f.known), "word book_id weight", many(f.known, f.site.Books, func(i int) (list [][]any) {
		b := f.site.Book(i)
		facts := store.BookFactsRow{Title: b.Title, Series: b.Series, Authors: []string{f.site.Author(f.site.AuthorOf(i)).Name}}
		for _, subject := range b.Subjects {
			facts.Subjects = append(facts.Subjects, names[subject])
		}
		for word, weight := range book.IndexWords(facts) {
			list = append(list, []any{word, f.bookID(i), weight})
			if !seen[word] && !strings.HasPrefix(word, "=") {
				seen[word] = true
				fresh = append(fresh, word)
			}
		}
		return list
	}))
	if err != nil {
		return err
	}
	variants, of := book.IndexVariants(fresh)
	return f.copy(ctx, "word_variant", len(variants), "variant word", each(0, len(variants), func(i int) []any { return []any{variants[i], of[i]} }))
}
