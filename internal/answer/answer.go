// Package answer turns handlers that return errors into HTTP answers, for any set of pages. It bounds a request, shows
// errors as pages in one place, renders into a buffer, gives requests ids and sets the security headers. The caller
// supplies the session and the error page.
package answer

import (
	"log/slog"
	"net/http"

	"github.com/a-h/templ"
)

// Handler answers a request. An error that it returns becomes a page, so it must not have written anything before.
type Handler func(w http.ResponseWriter, r *http.Request) error

// Pages is a set of pages: how its requests begin and how its errors look.
type Pages struct {
	Log *slog.Logger
	// Begin finds the session. It runs before each handler, within the route's limits. The handler and the error page get
	// the request that it returns, which must not be nil even if it returns an error.
	Begin func(w http.ResponseWriter, r *http.Request) (*http.Request, error)
	// ErrorPage returns the page of an error. It should not query the database, which may be what failed.
	ErrorPage func(r *http.Request, e *Error) templ.Component
}

// Within adapts h for a router, within limits.
func (p *Pages) Within(limits Limits, h Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r, cancel, err := limits.apply(w, r)
		defer cancel()
		if err == nil {
			r, err = p.Begin(w, r)
		}
		if err == nil {
			err = h(w, r)
		}
		if err != nil {
			p.fail(w, r, err)
		}
	}
}
