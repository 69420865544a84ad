package web

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/a-h/templ"

	"github.com/backlist/backlist/internal/mail"
	"github.com/backlist/backlist/internal/trace"
	"github.com/backlist/backlist/views/page"
)

// render writes the component to a buffer first, so that an error in it can still become an error page.
func render(w http.ResponseWriter, r *http.Request, status int, c templ.Component) error {
	var buf bytes.Buffer
	err := trace.Step(r.Context(), "render", func(ctx context.Context) error { return c.Render(ctx, &buf) })
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	switch {
	case h.Get("Cache-Control") != "":
	case readerOf(r.Context()) != nil: // the back button must not show it to whoever comes after signing out
		h.Set("Cache-Control", "no-store")
	default:
		h.Set("Cache-Control", "private, no-cache")
	}
	h.Add("Vary", "Cookie")
	w.WriteHeader(status)
	if _, err := w.Write(buf.Bytes()); err != nil {
		return nil // the reader went away; there is nobody to tell
	}
	return nil
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

func isEOF(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}
