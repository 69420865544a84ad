package answer

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"runtime/debug"
	"strconv"

	"github.com/go-chi/chi/v5"
)

// Recover turns a panic into an error page and logs its stack.
func (p *Pages) Recover(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			switch v := recover(); v {
			case nil:
			case http.ErrAbortHandler:
				panic(v) // net/http's own way to cut a connection
			default:
				p.Log.ErrorContext(r.Context(), "panic", "value", v, "stack", string(debug.Stack()))
				p.fail(w, r, fmt.Errorf("panic: %v", v))
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// fail answers with the page of err, and logs an error that is ours to fix.
func (p *Pages) fail(w http.ResponseWriter, r *http.Request, err error) {
	e := classify(err)
	r = r.WithContext(context.WithoutCancel(r.Context())) // the page is written even if the request's time is over
	if e.Status >= 500 {
		p.Log.ErrorContext(r.Context(), "request failed", "request_id", RequestID(r.Context()), "method", Method(r),
			"route", chi.RouteContext(r.Context()).RoutePattern(), "status", e.Status, "err", err)
	}
	if e.Status == clientGone {
		w.WriteHeader(clientGone)
		return
	}
	if e.Status == http.StatusServiceUnavailable || e.Status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", strconv.Itoa(cmp.Or(e.RetryAfter, 2)))
	}
	w.Header().Set("Cache-Control", "no-store")
	if err := Render(w, r, e.Status, p.ErrorPage(r, e)); err != nil {
		p.Log.ErrorContext(r.Context(), "the error page failed", "err", err)
	}
}
