package web

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"runtime/debug"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/backlist/backlist/internal/trace"
	"github.com/backlist/backlist/internal/work"
)

type requestIDKey struct{}

// maxMethod is how many characters of a request's method are logged: a client may send any word, of kilobytes.
const maxMethod = 16

// plainID is what a proxy's request id may look like; anything else could break a log line.
var plainID = regexp.MustCompile(`^[\w.:-]{8,128}$`)

// requestID takes the platform's id for the request, or makes one, returns it to the client, and marks the jobs that
// the request enqueues with it.
func (s *Server) requestID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get("X-Request-Id")
		if !plainID.MatchString(id) {
			id = rand.Text()
		}
		w.Header().Set("X-Request-Id", id)
		ctx := context.WithValue(r.Context(), requestIDKey{}, id)
		ctx = work.WithOrigin(ctx, work.Origin{RequestID: id})
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

func requestIDOf(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

// accessLog writes one line a request, at level debug for what nobody asks about. The route's pattern is logged, not its
// path: tokens of links stay out of logs. A request that enqueued jobs is kept in the database too.
func (s *Server) accessLog(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		ww := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		ctx, steps := trace.Start(r.Context())
		ctx, enqueued := work.Collect(ctx)
		r = r.WithContext(ctx)
		defer func() {
			route, level := chi.RouteContext(r.Context()).RoutePattern(), slog.LevelInfo
			if ww.Status() < 400 && (route == "/assets/*" || route == "/healthz" || route == "/readyz") {
				level = slog.LevelDebug
			}
			s.Requests.Note(work.Request{
				ID: requestIDOf(r.Context()), Method: r.Method, Route: route, Status: cmp.Or(ww.Status(), http.StatusOK),
				Began: start, Ended: time.Now(), Enqueued: enqueued, Steps: steps,
			})
			queries, inSQL := steps.Queries()
			s.Log.Log(r.Context(), level, "request", "method", shorten(r.Method, maxMethod), "route", route, "status", ww.Status(),
				"ms", fmt.Sprintf("%.1f", float64(time.Since(start).Microseconds())/1000), "bytes", ww.BytesWritten(),
				"queries", queries, "sql_ms", fmt.Sprintf("%.1f", float64(inSQL.Microseconds())/1000),
				"request_id", requestIDOf(r.Context()))
		}()
		next.ServeHTTP(ww, r)
	})
}

// recoverPanic turns a panic into an error page and logs its stack once.
func (s *Server) recoverPanic(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			switch v := recover(); v {
			case nil:
			case http.ErrAbortHandler:
				panic(v) // net/http's own way to cut a connection
			default:
				s.Log.ErrorContext(r.Context(), "panic", "value", v, "stack", string(debug.Stack()))
				s.renderError(w, r, fmt.Errorf("panic: %v", v))
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// secureHeaders lets a page load only what this site serves, and be framed by nobody.
func secureHeaders(next http.Handler) http.Handler {
	const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
		"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

// httpsOnly sends plain HTTP, as the proxy saw it, to https, and tells browsers to remember.
func httpsOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Header.Get("X-Forwarded-Proto") {
		case "http":
			http.Redirect(w, r, "https://"+r.Host+r.URL.RequestURI(), http.StatusPermanentRedirect)
			return
		case "https":
			w.Header().Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

// crossOrigin refuses forms that another site's page posts.
func (s *Server) crossOrigin(next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(s.page(func(http.ResponseWriter, *http.Request) error {
		return &statusError{
			Code: http.StatusForbidden, Headline: "That came from another site",
			Sentence: "The form was sent by a page that is not part of Backlist, so nothing was changed.",
			Advice:   "Go to the page here and try again.",
		}
	}))
	return protection.Handler(next)
}

// limitBody refuses what no form of ours can need.
func limitBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, bodyLimit)
		next.ServeHTTP(w, r)
	})
}

func (s *Server) notFound(http.ResponseWriter, *http.Request) error {
	return &statusError{Code: http.StatusNotFound}
}

func (s *Server) methodNotAllowed(http.ResponseWriter, *http.Request) error {
	return &statusError{Code: http.StatusMethodNotAllowed}
}
