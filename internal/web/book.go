package web

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/answer"
	"github.com/backlist/backlist/internal/book"
	"github.com/backlist/backlist/internal/form"
	"github.com/backlist/backlist/internal/recommend"
	"github.com/backlist/backlist/internal/shelf"
	"github.com/backlist/backlist/views/page"
)

// bookID is the number in the path; a non-numeric id is an unknown book.
func bookID(r *http.Request) (int64, error) {
	id, err := strconv.ParseInt(chi.URLParam(r, "id"), 10, 64)
	if err != nil || id < 1 {
		return 0, unknownBook
	}
	return id, nil
}

var unknownBook = &answer.Error{
	Status: http.StatusNotFound, Headline: "No such book",
	Sentence: "There is no book with that number here.", Advice: "Search for it by title or author.",
}

// known turns "no rows" into a sentence about the book.
func known(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return unknownBook
	}
	return err
}

func (s *Server) bookPage(w http.ResponseWriter, r *http.Request) error {
	id, err := bookID(r)
	if err != nil {
		return err
	}
	return s.showBook(w, r, http.StatusOK, id, nil)
}

// showBook shows a book; change puts in what is wrong with a form on its page.
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
		d.SignInURL = "/signin?next=" + url.QueryEscape("/books/"+strconv.FormatInt(id, 10))
	}
	if change != nil {
		change(&d)
	}
	if d.Page, err = s.chromeFor(r, detail.Title, "books"); err != nil {
		return err
	}
	return render(w, r, status, page.BookPage(d))
}

// rate is the main path: the rating and the job that acts on it, in one transaction.
func (s *Server) rate(w http.ResponseWriter, r *http.Request) error {
	id, err := bookID(r)
	if err != nil {
		return err
	}
	if err := answer.ParseForm(r); err != nil {
		return err
	}
	if !r.PostForm.Has("stars") { // empty stars remove the rating; a body without the field must not
		return s.showBook(w, r, http.StatusUnprocessableEntity, id, func(d *page.Book) { d.RatingError = "Choose how many stars." })
	}
	stars, err := book.ParseStars(r.PostForm.Get("stars"))
	if invalid, ok := errors.AsType[form.Invalid](err); ok {
		return s.showBook(w, r, http.StatusUnprocessableEntity, id, func(d *page.Book) { d.RatingError = invalid["stars"] })
	}
	if err != nil {
		return err
	}
	ctx, me := r.Context(), readerOf(r.Context()).ReaderID
	err = s.changeTaste(ctx, me, func(tx pgx.Tx) error {
		if stars == 0 {
			return book.Unrate(ctx, tx, me, id)
		}
		return book.Rate(ctx, tx, me, id, stars)
	})
	if err != nil {
		return known(err)
	}
	done := flashRated
	if stars == 0 {
		done = flashUnrated
	}
	return s.redirect(w, r, back(r, id), done)
}

// back is where a book's form leads: the page that it names, else the book.
func back(r *http.Request, id int64) string {
	if next := r.PostForm.Get("next"); next != "" {
		return localPath(next)
	}
	return "/books/" + strconv.FormatInt(id, 10)
}

func (s *Server) putOnShelf(w http.ResponseWriter, r *http.Request) error {
	id, err := bookID(r)
	if err != nil {
		return err
	}
	if err := answer.ParseForm(r); err != nil {
		return err
	}
	status, err := shelf.ParseStatus(r.PostForm.Get("status"))
	if invalid, ok := errors.AsType[form.Invalid](err); ok {
		return s.showBook(w, r, http.StatusUnprocessableEntity, id, func(d *page.Book) { d.ShelfError = invalid["status"] })
	}
	if err != nil {
		return err
	}
	ctx, me := r.Context(), readerOf(r.Context()).ReaderID
	err = s.changeTaste(ctx, me, func(tx pgx.Tx) error {
		return shelf.Put(ctx, tx, me, id, status)
	})
	if err != nil {
		return known(err)
	}
	done := flashShelved
	if status == shelf.None {
		done = flashUnshelved
	}
	return s.redirect(w, r, back(r, id), done)
}

func (s *Server) dismiss(w http.ResponseWriter, r *http.Request) error {
	id, err := bookID(r)
	if err != nil {
		return err
	}
	if err := answer.ParseForm(r); err != nil {
		return err
	}
	undo := r.PostForm.Get("undo") != ""
	ctx, me := r.Context(), readerOf(r.Context()).ReaderID
	err = s.changeTaste(ctx, me, func(tx pgx.Tx) error {
		if undo {
			return recommend.Undismiss(ctx, tx, me, id)
		}
		return recommend.Dismiss(ctx, tx, me, id)
	})
	if err != nil {
		return known(err)
	}
	done := flashDismissed
	if undo {
		done = flashUndismissed
	}
	return s.redirect(w, r, back(r, id), done)
}
