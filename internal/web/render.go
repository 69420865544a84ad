package web

import (
	"net/http"

	"github.com/a-h/templ"

	"github.com/backlist/backlist/internal/answer"
	"github.com/backlist/backlist/internal/mail"
	"github.com/backlist/backlist/views/page"
)

// render answers with a page. A signed-in reader's page is not stored: the back button must not show it after signing out.
func render(w http.ResponseWriter, r *http.Request, status int, c templ.Component) error {
	if h := w.Header(); h.Get("Cache-Control") == "" && readerOf(r.Context()) != nil {
		h.Set("Cache-Control", "no-store")
	}
	return answer.Render(w, r, status, c)
}

// chrome fills what every page shows around itself. A failure to count the unread mail costs the number, not the page.
func (s *Server) chrome(r *http.Request, title, nav string) page.Frame {
	p := page.Frame{Title: title, Nav: nav, Release: s.Release, Flash: flashOf(r.Context())}
	if me := readerOf(r.Context()); me != nil {
		p.Reader = me.Name
	}
	return p
}

// chromeFor is chrome for pages that are reached by reading rather than by an error: it counts the unread mail too.
func (s *Server) chromeFor(r *http.Request, title, nav string) (page.Frame, error) {
	p := s.chrome(r, title, nav)
	me := readerOf(r.Context())
	if me == nil {
		return p, nil
	}
	unread, err := mail.Unread(r.Context(), s.DB, me.ReaderID)
	p.Unread = unread
	return p, err
}

// errorPage makes no query: it leaves out the number of unread mails.
func (s *Server) errorPage(r *http.Request, e *answer.Error) templ.Component {
	d := page.Error{
		Page: s.chrome(r, http.StatusText(e.Status), ""), Status: e.Status,
		Headline: e.Headline, Sentence: e.Sentence, Advice: e.Advice,
	}
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
