package web

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/answer"
	"github.com/backlist/backlist/internal/book"
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
	ctx := r.Context()
	detail, err := book.Get(ctx, s.DB, id)
	if err != nil {
		return known(err)
	}
	also, err := book.Also(ctx, s.DB, id, 6)
	if err != nil {
		return err
	}
	cards, err := s.cards(r, also)
	if err != nil {
		return err
	}
	d := bookView(detail)
	d.Neighbours = cards
	if me := readerOf(ctx); me != nil {
		mine, err := book.Mine(ctx, s.DB, me.ReaderID, []int64{id})
		if err != nil {
			return err
		}
		d.Mine, d.Shelf = int(mine[id].Stars), mine[id].Shelf
	} else {
		d.SignInURL = signInURL("/books/" + strconv.FormatInt(id, 10))
	}
	if change != nil {
		change(&d)
	}
	if d.Page, err = s.chromeFor(r, detail.Title, "books"); err != nil {
		return err
	}
	return render(w, r, status, page.BookPage(d))
}
