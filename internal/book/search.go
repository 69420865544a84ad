package book

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/backlist/backlist/internal/fold"
	"github.com/backlist/backlist/internal/pipeline"
)

// PerPage is the number of books on a page of results.
const PerPage = 24

// ranked is the number of books among which a search ranks: of more matches, it ranks the most popular, and has no further pages. It
// counts more only if it had to read them.
const ranked = 20 * PerPage

// lastPage bounds page numbers, so that an offset fits an int32.
const lastPage = 1 << 20

// Query is a search.
type Query struct {
	Text    string // as typed; empty finds all books
	Subject string // the key of a subject, or empty
	Page    int    // from 1; a page beyond the last is the last
	Reader  int64  // for whom the books are; 0: a visitor
}

// Result is a page of results.
type Result struct {
	Books     []Card
	Total     int    // also of books beyond the last page
	More      bool   // there are more than Total
	Page      int    // from 1
	Pages     int    // at least 1
	Corrected string // the corrected text, folded ("dostoevsky" for "Dostoyevski"); empty if nothing was corrected
	Partial   bool   // no book has all the words; these have most of them
}

// Search finds books by words of their title, authors, series and subjects. It ignores accents and case, and tolerates
// unfinished words and typing errors. Results are ordered by match, then by popularity. No text is an error.
func Search(ctx context.Context, db pipeline.DB, query Query) (Result, error) {
	query.Page = min(max(query.Page, 1), lastPage)
	if !fine(query.Subject) {
		return Result{Page: 1, Pages: 1}, nil
	}
	var found hits
	var err error
	if strings.TrimSpace(query.Text) == "" {
		found, err = browse(ctx, db, listingOf(query.Subject), query.Page)
	} else {
		text := query.Text[:min(len(query.Text), maxText)]
		words := fold.Words(text)
		s := searcher{db: db, subject: query.Subject, exact: exactTitle(text), words: words, tokens: tokenize(words)}
		found, err = s.find(ctx, query.Page)
	}
	if err != nil {
		return Result{}, fmt.Errorf("search books: %w", err)
	}
	cards, err := Cards(ctx, db, query.Reader, found.ids)
	if err != nil {
		return Result{}, err
	}
	return Result{
		Books: cards, Total: found.total, More: found.more, Page: found.page, Pages: found.pages(),
		Corrected: found.corrected, Partial: found.partial,
	}, nil
}

// hits is a page of book ids.
type hits struct {
	ids         []int64
	total, page int
	more        bool // there are more than total
	reached     int  // of them, the number on pages; 0: all
	corrected   string
	partial     bool
}

func (h hits) pages() int { return max(1, (cmp.Or(h.reached, h.total)+PerPage-1)/PerPage) }

// orLast finds a page, or the last page if page is beyond the end.
func orLast(page int, find func(page int) (hits, error)) (hits, error) {
	found, err := find(page)
	if err != nil || page == 1 || len(found.ids) > 0 {
		return found, err
	}
	if found, err = find(1); err != nil || found.pages() == 1 { // the first page has the number of pages
		return found, err
	}
	// If the number of books was only estimated, there may be no such page.
	if last, err := find(found.pages()); err != nil || len(last.ids) > 0 {
		return last, err
	}
	return found, nil
}

// exactTitle returns the word under which a book's whole title is indexed. It begins with a character that no other word has.
func exactTitle(title string) string { return "=" + fold.Title(title) }

// fine reports whether Postgres can store s.
func fine(s string) bool {
	return strings.ToValidUTF8(s, "") == s && !strings.Contains(s, "\x00")
}
