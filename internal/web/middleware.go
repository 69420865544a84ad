package web

import (
	"cmp"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/backlist/backlist/internal/answer"
	"github.com/backlist/backlist/internal/trace"
	"github.com/backlist/backlist/internal/work"
	"github.com/backlist/backlist/internal/work/record"
)

// accessLog writes one line for each request, at level debug for assets and successful probes. It logs the route's pattern
// and not the path, which may contain the token of a link. The request's jobs carry its id, and a request that enqueued jobs is
// recorded in the database too.
func (s *Server) accessLog(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		ww := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		ctx, steps := trace.Start(r.Context())
		ctx, enqueued := record.Collect(ctx)
		ctx = work.WithOrigin(ctx, work.Origin{RequestID: answer.RequestID(ctx)})
		r = r.WithContext(ctx)
		defer func() {
			route, level := chi.RouteContext(r.Context()).RoutePattern(), slog.LevelInfo
			if ww.Status() < 400 && (route == "/assets/*" || route == "/healthz" || route == "/readyz") {
				level = slog.LevelDebug
			}
			s.Requests.Note(record.Request{
				ID: answer.RequestID(r.Context()), Method: r.Method, Route: route, Status: cmp.Or(ww.Status(), http.StatusOK),
				Began: start, Ended: time.Now(), Enqueued: enqueued, Steps: steps,
			})
			queries, trips, inSQL := steps.Queries()
			s.Log.Log(r.Context(), level, "request", "method", answer.Method(r), "route", route, "status", ww.Status(),
				"ms", fmt.Sprintf("%.1f", float64(time.Since(start).Microseconds())/1000), "bytes", ww.BytesWritten(),
				"queries", queries, "trips", trips, "sql_ms", fmt.Sprintf("%.1f", float64(inSQL.Microseconds())/1000),
				"request_id", answer.RequestID(r.Context()))
		}()
		next.ServeHTTP(ww, r)
	})
}

// httpsOnly redirects requests that reached the proxy by plain HTTP to https, and sends HSTS.
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

// sameOrigin answers forms from other sites with refused.
func sameOrigin(refused http.Handler) func(http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(refused)
	return protection.Handler
}

func fromAnotherSite(http.ResponseWriter, *http.Request) error {
	return &answer.Error{
		Status: http.StatusForbidden, Headline: "That came from another site",
		Sentence: "The form was sent by a page that is not part of Backlist, so nothing was changed.",
		Advice:   "Go to the page here and try again.",
	}
}
