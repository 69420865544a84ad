package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/backlist/backlist/internal/book"
	"github.com/backlist/backlist/internal/form"
	"github.com/backlist/backlist/internal/pipeline"
	"github.com/backlist/backlist/views/page"
	"github.com/backlist/backlist/views/ui"
)

// maxTyped is the number of characters of a search text that are read, more than readers type.
const maxTyped = 200

// books shows the catalogue, or the results of a search.
func (s *Server) books(w http.ResponseWriter, r *http.Request) error {
	ctx, query := r.Context(), r.URL.Query()
	// Each of the page's fifty links repeats the text, so a text that is too long for a search is cut.
	typed, subject := asTyped(query, "q"), asTyped(query, "subject")
	search := book.Query{Text: typed, Subject: subject, Page: pageNumber(r), Reader: readerIDOf(ctx)}
	var found book.Result
	var subjects []book.Subject
	frame, err := s.chromeFor(r, "Books", "books",
		func(db pipeline.DB) (err error) { found, err = book.Search(ctx, db, search); return err },
		func(db pipeline.DB) (err error) { subjects, err = book.Subjects(ctx, db); return err })
	if err != nil {
		return err
	}
	d := page.Books{
		Page: frame, Query: typed, Subject: subject, Subjects: chips(subjects, subject, typed), Books: cards(found.Books), Meant: found.Corrected,
		Count: foundText(found, typed, subjectName(subjects, subject)), Pager: ui.NewPager(found.Page, found.Pages, pageURL(r, url.Values{"q": {typed}, "subject": {subject}})),
	}
	return render(w, r, http.StatusOK, page.BooksPage(d))
}

// asTyped returns a value of the query, cut to maxTyped.
func asTyped(query url.Values, name string) string {
	text := []rune(form.Shown(query.Get(name)))
	return string(text[:min(len(text), maxTyped)])
}

// chips returns the subjects as filters. The current one links to all books.
func chips(subjects []book.Subject, current, typed string) []ui.Chip {
	list := make([]ui.Chip, 0, len(subjects))
	for _, subject := range subjects {
		query := url.Values{}
		if typed != "" {
			query.Set("q", typed)
		}
		if subject.Key != current {
			query.Set("subject", subject.Key)
		}
		list = append(list, ui.Chip{
			Text: subject.Name, URL: strings.TrimSuffix("/books?"+query.Encode(), "?"), Current: subject.Key == current,
		})
	}
	return list
}

func subjectName(subjects []book.Subject, key string) string {
	for _, subject := range subjects {
		if subject.Key == key {
			return subject.Name
		}
	}
	return ""
}

// foundText describes the number of books and the search.
func foundText(found book.Result, typed, subject string) string {
	text := ui.Count(found.Total, "book", "books")
	if found.More {
		text = "More than " + text
	}
	if typed = strings.TrimSpace(typed); typed != "" {
		if found.Partial {
			text += fmt.Sprintf(" with most of the words of “%s”", shorten(typed, 60))
		} else {
			text += fmt.Sprintf(" for “%s”", shorten(typed, 60))
		}
	}
	if subject != "" {
		text += " under " + subject
	}
	return text
}

// shorten cuts s to at most n characters, the last of which then is an ellipsis.
func shorten(s string, n int) string {
	runes := []rune(s)
	if len(runes) <= n {
		return s
	}
	return string(runes[:n-1]) + "…"
}
