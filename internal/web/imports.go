package web

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"unicode/utf8"

	"github.com/a-h/templ"
	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/answer"
	"github.com/backlist/backlist/internal/form"
	"github.com/backlist/backlist/internal/importer"
	"github.com/backlist/backlist/internal/importer/listing"
	"github.com/backlist/backlist/internal/live"
	"github.com/backlist/backlist/internal/notice"
	"github.com/backlist/backlist/views/page"
)

func (s *Server) imports(w http.ResponseWriter, r *http.Request) error {
	return s.showImports(w, r, http.StatusOK, "")
}

// showImports shows the form, with the problem of the file that was sent, and the reader's latest imports.
func (s *Server) showImports(w http.ResponseWriter, r *http.Request, status int, problem string) error {
	me := readerOf(r.Context())
	list, err := importer.List(r.Context(), s.DB, me.ReaderID)
	if err != nil {
		return err
	}
	d := page.Imports{Problem: problem, MostBytes: listing.MaxBytes, MostRows: listing.MaxRows}
	for _, in := range list {
		d.Past = append(d.Past, importEntry(in, me.TimeZone))
	}
	if d.Page, err = s.chromeFor(r, "Import your books", "shelf"); err != nil {
		return err
	}
	return render(w, r, status, page.ImportsPage(d))
}

// upload stores the rows of a file and leaves the rest to a job.
func (s *Server) upload(w http.ResponseWriter, r *http.Request) error {
	defer s.uploads.Add(-1)
	if s.uploads.Add(1) > uploadsMost {
		return &answer.Error{
			Status: http.StatusServiceUnavailable, RetryAfter: 10, Headline: "Other files are arriving",
			Sentence: "We receive only a few files at a time, and others came first. Nothing was imported.", Advice: "Try again in a minute.",
		}
	}
	id, err := s.receive(w, r)
	if err == nil {
		http.Redirect(w, r, importURL(id), http.StatusSeeOther)
		return nil
	}
	status := http.StatusUnprocessableEntity
	invalid, wrong := errors.AsType[form.Invalid](err)
	sentence, refused := listing.IsRefusal(err)
	switch {
	case wrong:
		if sentence = invalid["file"]; sentence == tooLarge {
			status = http.StatusRequestEntityTooLarge
		}
	case refused:
	case errors.Is(err, importer.ErrBusy):
		status, sentence = http.StatusConflict, "Another import of yours is not finished. Wait for it, or stop it, and try again."
	case errors.Is(err, importer.ErrTooMany):
		status, sentence = http.StatusTooManyRequests, fmt.Sprintf("You have imported %d files today. Try again tomorrow.", importer.PerDay)
	default:
		return err
	}
	return s.showImports(w, r, status, sentence)
}

func (s *Server) receive(w http.ResponseWriter, r *http.Request) (id int64, err error) {
	file, name, err := spool(w, r)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	list, err := listing.Open(file)
	if err != nil {
		return 0, err
	}
	if utf8.RuneCountInString(name) > 100 {
		name = string([]rune(name)[:99]) + "…"
	}
	err = s.begin(r.Context(), func(tx pgx.Tx) error {
		id, err = importer.Start(r.Context(), tx, s.Jobs, readerOf(r.Context()).ReaderID, name, list)
		return err
	})
	return id, err
}

func importURL(id int64) string { return "/imports/" + strconv.FormatInt(id, 10) }

// importOf returns the reader's import that the address names.
func (s *Server) importOf(r *http.Request) (importer.Import, error) {
	id, err := strconv.ParseInt(chi.URLParam(r, "id"), 10, 64)
	if err != nil {
		return importer.Import{}, pgx.ErrNoRows
	}
	return importer.Get(r.Context(), s.DB, readerOf(r.Context()).ReaderID, id)
}

func (s *Server) importPage(w http.ResponseWriter, r *http.Request) error {
	in, err := s.importOf(r)
	if err != nil {
		return err
	}
	var d page.Import
	if d.Live, err = s.importState(r.Context(), in, readerOf(r.Context()).TimeZone); err != nil {
		return err
	}
	if d.Page, err = s.chromeFor(r, "Import", "shelf"); err != nil {
		return err
	}
	return render(w, r, http.StatusOK, page.ImportPage(d))
}

// importEvents streams the state of an import while its page is open.
func (s *Server) importEvents(w http.ResponseWriter, r *http.Request) error {
	in, err := s.importOf(r)
	if err != nil {
		return err
	}
	me := readerOf(r.Context())
	stream := s.Hub.Subscribe(notice.PageTopic(me.ReaderID, notice.TopicImport), maxStreams)
	if stream == nil {
		return &answer.Error{
			Status: http.StatusTooManyRequests, Headline: "Too many open pages",
			Sentence: "This account has more live pages open than we allow. Reload the page to see what is new.",
		}
	}
	defer stream.Close()
	err = stream.Stream(w, r, live.Page{
		Allowed: func(ctx context.Context) error {
			_, err := s.stillSignedIn(ctx, r)
			return err
		},
		Now: func(ctx context.Context) (templ.Component, error) {
			now, err := importer.Get(ctx, s.DB, me.ReaderID, in.ID)
			if err != nil {
				return nil, err
			}
			state, err := s.importState(ctx, now, me.TimeZone)
			return page.ImportState(state), err
		},
	})
	if err != nil {
		s.Log.InfoContext(r.Context(), "a stream ended early", "request_id", answer.RequestID(r.Context()), "err", err)
	}
	return nil
}

// importRows answers with all rows of an import and what became of them, as CSV.
func (s *Server) importRows(w http.ResponseWriter, r *http.Request) error {
	in, err := s.importOf(r)
	if err != nil {
		return err
	}
	rows, err := importer.Rows(r.Context(), s.DB, in.ID, listing.MaxRows, importer.Outcomes()...)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="import-%d.csv"`, in.ID))
	w.Header().Set("Cache-Control", "no-store")
	out := csv.NewWriter(w)
	_ = out.Write([]string{"Line", "Title", "Authors", "Outcome", "Reason"}) // Flush reports errors, which mean that the client left
	for _, row := range rows {
		_ = out.Write([]string{strconv.Itoa(row.Line), listing.Neutral(row.Title), listing.Neutral(row.Authors), row.Outcome, listing.Neutral(row.Reason)})
	}
	out.Flush()
	return nil
}

func (s *Server) stopImport(w http.ResponseWriter, r *http.Request) error {
	return s.actOnImport(w, r, flashStopped, func(tx pgx.Tx, id int64) error {
		return importer.Stop(r.Context(), tx, s.Jobs, readerOf(r.Context()).ReaderID, id)
	})
}

func (s *Server) undoImport(w http.ResponseWriter, r *http.Request) error {
	return s.actOnImport(w, r, flashUndone, func(tx pgx.Tx, id int64) error {
		return importer.Undo(r.Context(), tx, s.Jobs, readerOf(r.Context()).ReaderID, id)
	})
}

func (s *Server) settleRow(w http.ResponseWriter, r *http.Request) error {
	if err := answer.ParseForm(r); err != nil {
		return err
	}
	n, err := strconv.ParseInt(chi.URLParam(r, "n"), 10, 32)
	if err != nil {
		return pgx.ErrNoRows
	}
	choice, err := strconv.ParseInt(r.PostForm.Get("choice"), 10, 64)
	if err != nil {
		return &answer.Error{Status: http.StatusUnprocessableEntity, Headline: "Choose a book", Sentence: "Choose one of the books, or to add or skip the row."}
	}
	return s.actOnImport(w, r, flashSettled, func(tx pgx.Tx, id int64) error {
		return importer.Settle(r.Context(), tx, s.Jobs, readerOf(r.Context()).ReaderID, id, int32(n), choice)
	})
}

// actOnImport runs act in a transaction, and leads back to the import's page.
func (s *Server) actOnImport(w http.ResponseWriter, r *http.Request, done flash, act func(tx pgx.Tx, id int64) error) error {
	in, err := s.importOf(r)
	if err != nil {
		return err
	}
	err = s.begin(r.Context(), func(tx pgx.Tx) error { return act(tx, in.ID) })
	if errors.Is(err, importer.ErrOver) {
		return &answer.Error{
			Status: http.StatusConflict, Headline: "That is no longer possible", Err: err,
			Sentence: "This import has changed meanwhile, or its rows have been deleted, as they are after a day.", Advice: "Reload its page to see how it is now.",
		}
	}
	if err != nil {
		return err
	}
	return s.redirect(w, r, importURL(in.ID), done)
}
