package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/answer"
	"github.com/backlist/backlist/internal/book"
	"github.com/backlist/backlist/internal/form"
	"github.com/backlist/backlist/internal/recommend"
	"github.com/backlist/backlist/internal/shelf"
	"github.com/backlist/backlist/internal/trace"
	"github.com/backlist/backlist/views/page"
)

// tasteChange is a change by a form on a book, on which the reader's recommendations depend.
type tasteChange struct {
	write func(ctx context.Context, tx pgx.Tx, readerID, bookID int64) error
	done  flash
}

// tasteForm handles a form on a book. read turns its fields into a change; a form.Invalid shows the book with the errors. This
// is the site's main path: the change and the job that acts on it are committed in one transaction.
func (s *Server) tasteForm(read func(fields url.Values) (tasteChange, error)) answer.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		id, err := pathID(r, unknownBook)
		if err != nil {
			return err
		}
		if err := answer.ParseForm(r); err != nil {
			return err
		}
		change, err := read(r.PostForm)
		if invalid, ok := errors.AsType[form.Invalid](err); ok {
			return s.showBook(w, r, http.StatusUnprocessableEntity, id, func(d *page.Book) {
				d.RatingError, d.ShelfError = invalid["stars"], invalid["status"]
			})
		}
		if err != nil {
			return err
		}
		ctx, me := r.Context(), readerOf(r.Context()).ReaderID
		err = s.changeTaste(ctx, me, func(tx pgx.Tx) error { return change.write(ctx, tx, me, id) })
		if err != nil {
			return known(err)
		}
		return s.redirect(w, r, back(r, id), change.done)
	}
}

func readRating(fields url.Values) (tasteChange, error) {
	if !fields.Has("stars") { // only empty stars remove the rating, not a missing field
		return tasteChange{}, form.Invalid{"stars": "Choose how many stars."}
	}
	stars, err := book.ParseStars(fields.Get("stars"))
	if err != nil {
		return tasteChange{}, err
	}
	change := tasteChange{done: flashRated, write: func(ctx context.Context, tx pgx.Tx, readerID, bookID int64) error {
		return book.Rate(ctx, tx, readerID, bookID, stars)
	}}
	if stars == book.None {
		change.done = flashUnrated
	}
	return change, nil
}

func readShelving(fields url.Values) (tasteChange, error) {
	status, err := shelf.ParseStatus(fields.Get("status"))
	if err != nil {
		return tasteChange{}, err
	}
	change := tasteChange{done: flashShelved, write: func(ctx context.Context, tx pgx.Tx, readerID, bookID int64) error {
		return shelf.Put(ctx, tx, readerID, bookID, status)
	}}
	if status == shelf.None {
		change.done = flashUnshelved
	}
	return change, nil
}

func readDismissal(fields url.Values) (tasteChange, error) {
	if fields.Get("undo") != "" {
		return tasteChange{recommend.Undismiss, flashUndismissed}, nil
	}
	return tasteChange{recommend.Dismiss, flashDismissed}, nil
}

// changeTaste runs changes in a transaction that also enqueues the job for new recommendations. It is one round trip, so each of them
// makes one query: see pipeline.Transact.
func (s *Server) changeTaste(ctx context.Context, readerID int64, changes ...func(tx pgx.Tx) error) error {
	do := s.TasteChange
	if do == nil {
		do = recommend.Change
	}
	return trace.Step(ctx, "transaction", func(ctx context.Context) error { return do(ctx, s.DB, s.Jobs, readerID, changes...) })
}

// back returns the page after a book's form: the page that the form names, or else the book's.
func back(r *http.Request, id int64) string {
	if next := r.PostForm.Get("next"); next != "" {
		return localPath(next)
	}
	return "/books/" + strconv.FormatInt(id, 10)
}
