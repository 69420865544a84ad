package web

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/answer"
	"github.com/backlist/backlist/internal/book"
	"github.com/backlist/backlist/internal/pipeline"
	"github.com/backlist/backlist/views/page"
)

// pathID returns the id in the path, or unknown if it cannot be one.
func pathID(r *http.Request, unknown error) (int64, error) {
	id, err := strconv.ParseInt(chi.URLParam(r, "id"), 10, 64)
	if err != nil || id < 1 {
		return 0, unknown
	}
	return id, nil
}

var unknownBook = &answer.Error{
	Status: http.StatusNotFound, Headline: "No such book",
	Sentence: "There is no book with that number here.", Advice: "Search for it by title or author.",
}

// known turns pgx.ErrNoRows into a 404 about the book.
func known(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return unknownBook
	}
	return err
}

func (s *Server) bookPage(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r, unknownBook)
	if err != nil {
		return err
	}
	return s.showBook(w, r, http.StatusOK, id, nil)
}

// showBook answers with a book's page. change, which may be nil, adds the errors of a form on it.
func (s *Server) showBook(w http.ResponseWriter, r *http.Request, status int, id int64, change func(*page.Book)) error {
	ctx, me := r.Context(), readerIDOf(r.Context())
	var detail book.Detail
	var also []book.Card
	var mine book.Said
	frame, err := s.chromeFor(r, "", "books",
		func(db pipeline.DB) (err error) { detail, err = book.Get(ctx, db, id); return err },
		func(db pipeline.DB) (err error) { also, err = book.Also(ctx, db, me, id, 6); return err },
		func(db pipeline.DB) (err error) { mine, err = book.Mine(ctx, db, me, id); return err })
	if err != nil {
		return known(err)
	}
	d := bookView(detail)
	d.Page, d.Neighbours, d.Mine, d.Shelf = frame, cards(also), int(mine.Stars), mine.Shelf
	d.Page.Title = detail.Title
	if me == 0 {
		d.SignInURL = signInURL("/books/" + strconv.FormatInt(id, 10))
	}
	if change != nil {
		change(&d)
	}
	return render(w, r, status, page.BookPage(d))
}
