package web

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"

	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/backlist/backlist/internal/trace"
	"github.com/backlist/backlist/views/page"
)

// handler is how this package writes handlers: what goes wrong is returned, and becomes a page in one place.
type handler func(w http.ResponseWriter, r *http.Request) error

// statusError is an error that the reader can do something about: a status, what to say, and the cause for the log.
// Empty texts are those of the status.
type statusError struct {
	Code       int
	Headline   string
	Sentence   string
	Advice     string
	RetryAfter int // seconds; for 429 and 503, where 0 means 2
	Err        error
}

func (e *statusError) Error() string {
	text := strconv.Itoa(e.Code) + " " + http.StatusText(e.Code)
	if e.Sentence != "" {
		text += ": " + e.Sentence
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

func (e *statusError) Unwrap() error { return e.Err }

// clientGone is what is logged for a request whose reader went away; nobody sees the answer.
const clientGone = 499

// page adapts h: it finds the session, gives the request its time limit, and turns an error into a page.
func (s *Server) page(h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
		defer cancel()
		s.answer(w, r.WithContext(ctx), h)
	}
}

// stream adapts h as page does, without the time limit.
func (s *Server) stream(h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { s.answer(w, r, h) }
}

func (s *Server) answer(w http.ResponseWriter, r *http.Request, h handler) {
	err := trace.Step(r.Context(), "session", func(context.Context) (err error) {
		r, err = s.withSession(w, r)
		return err
	})
	if err == nil {
		err = h(w, r)
	}
	if err != nil {
		s.renderError(w, r, err)
	}
}

// renderError answers with the page of err and logs what is ours to mend. Nothing of the cause reaches the page.
func (s *Server) renderError(w http.ResponseWriter, r *http.Request, err error) {
	e := classify(err)
	r = r.WithContext(context.WithoutCancel(r.Context())) // the page is written even if the request's time is over
	if e.Code >= 500 {
		s.Log.ErrorContext(r.Context(), "request failed", "request_id", requestIDOf(r.Context()),
			"method", shorten(r.Method, maxMethod), "route", chi.RouteContext(r.Context()).RoutePattern(), "status", e.Code, "err", err)
	}
	if e.Code == clientGone {
		w.WriteHeader(clientGone)
		return
	}
	if e.Code == http.StatusServiceUnavailable || e.Code == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", strconv.Itoa(cmp.Or(e.RetryAfter, 2)))
	}
	w.Header().Set("Cache-Control", "no-store")
	chrome := s.chrome(r, http.StatusText(e.Code), "")
	chrome.Unread = 0 // no further query after an error
	d := page.Error{
		Page: chrome, Status: e.Code, Headline: e.Headline, Sentence: e.Sentence, Advice: e.Advice,
	}
	if e.Code >= 500 {
		d.RequestID = requestIDOf(r.Context())
	}
	if err := render(w, r, e.Code, page.ErrorPage(d)); err != nil {
		s.Log.ErrorContext(r.Context(), "the error page failed", "err", err)
	}
}

// classify maps any error to what the reader is told.
func classify(err error) *statusError {
	if e, ok := errors.AsType[*statusError](err); ok {
		return e
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return &statusError{Code: http.StatusRequestEntityTooLarge, Err: err}
	}
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return &statusError{Code: http.StatusNotFound, Err: err}
	case errors.Is(err, context.Canceled):
		return &statusError{Code: clientGone, Err: err}
	case databaseAway(err):
		return &statusError{Code: http.StatusServiceUnavailable, Err: err}
	}
	return &statusError{Code: http.StatusInternalServerError, Err: err}
}

// databaseAway reports whether err says that Postgres is stopped, starting, full or failing over, or did not answer in
// time: all pass by themselves.
func databaseAway(err error) bool {
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch pgErr.Code {
		case "57P01", "57P02", "57P03", // being shut down, crashed, starting up
			"53300",                   // too many connections
			"25006",                   // read only: a follower that is being promoted
			"08000", "08003", "08006": // the connection broke
			return true
		}
		return false
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	// A connection that breaks under a query gives the network's own error, or pgconn's about a closed connection.
	_, isNet := errors.AsType[net.Error](err)
	return isNet || errors.Is(err, net.ErrClosed) || pgconn.SafeToRetry(err) || isEOF(err)
}
