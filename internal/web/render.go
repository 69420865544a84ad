package web

import (
	"net/http"

	"github.com/a-h/templ"

	"github.com/backlist/backlist/internal/answer"
	"github.com/backlist/backlist/internal/mail"
	"github.com/backlist/backlist/internal/pipeline"
	"github.com/backlist/backlist/internal/reader"
	"github.com/backlist/backlist/views/page"
)

// render answers with a page. A signed-in reader's page is not stored, so that the back button does not show it after a sign-out.
func render(w http.ResponseWriter, r *http.Request, status int, c templ.Component) error {
	if h := w.Header(); h.Get("Cache-Control") == "" && readerOf(r.Context()) != nil {
		h.Set("Cache-Control", "no-store")
	}
	clearFlash(w, r)
	return answer.Render(w, r, status, c)
}

// chrome returns the frame of a page without the number of unread mails.
func (s *Server) chrome(r *http.Request, title, nav string) page.Frame {
	p := page.Frame{Title: title, Nav: nav, Release: s.Release, Flash: flashOf(r.Context())}
	if me := readerOf(r.Context()); me != nil {
		p.Reader, p.Console = me.Name, me.Role != reader.RoleNone
	}
	p.Lab = s.lab != nil && (s.Dev || p.Console)
	return p
}

// chromeFor is like chrome, and counts the unread mails too. The parts read what the page shows, in the same round trips.
func (s *Server) chromeFor(r *http.Request, title, nav string, parts ...func(db pipeline.DB) error) (page.Frame, error) {
	p := s.chrome(r, title, nav)
	if me := readerOf(r.Context()); me != nil {
		parts = append(parts, func(db pipeline.DB) (err error) {
			p.Unread, err = mail.Unread(r.Context(), db, me.ReaderID)
			return err
		})
	}
	err := pipeline.Together(r.Context(), s.DB, parts...)
	return p, err
}

// errorPage returns the page of an error. It makes no query, so it has no number of unread mails.
func (s *Server) errorPage(r *http.Request, e *answer.Error) templ.Component {
	d := page.Error{
		Page: s.chrome(r, http.StatusText(e.Status), ""), Status: e.Status,
		Headline: e.Headline, Sentence: e.Sentence, Advice: e.Advice,
	}
	d.Page.Flash = "" // the next page shows it
	if e.Status >= 500 {
		d.RequestID = answer.RequestID(r.Context())
	}
	return page.ErrorPage(d)
}

func notFound(http.ResponseWriter, *http.Request) error {
	return &answer.Error{Status: http.StatusNotFound}
}

func methodNotAllowed(http.ResponseWriter, *http.Request) error {
	return &answer.Error{Status: http.StatusMethodNotAllowed}
}
