// Package web is the reading site: routes, sessions, pages and the live stream. Handlers read the data of a page, or write the
// reader's data and enqueue its job in one transaction. Slow work is left to workers.
package web

import (
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/console"
	"github.com/backlist/backlist/internal/lab"
	"github.com/backlist/backlist/internal/live"
	"github.com/backlist/backlist/internal/notice"
	"github.com/backlist/backlist/internal/pipeline"
	"github.com/backlist/backlist/internal/reader"
	"github.com/backlist/backlist/internal/site"
	"github.com/backlist/backlist/internal/trace"
	"github.com/backlist/backlist/internal/work"
	"github.com/backlist/backlist/internal/work/record"
)

// DB is the database of the handlers: a pool in production, a transaction in tests.
type DB interface {
	pipeline.DB
	Begin(ctx context.Context) (pgx.Tx, error)
}

// Server answers requests. Requests, Ready, RequestTime and TasteChange may be left out.
type Server struct {
	DB         DB
	Jobs       *work.Client     // only enqueues
	Requests   *record.Requests // records requests that enqueued jobs; nil: they are not recorded
	Hasher     *reader.Hasher
	Hub        *live.Hub
	Log        *slog.Logger
	Secret     string                      // signs unsubscribe links
	Release    string                      // shown in the colophon
	Address    *site.Address               // of the site; the first sign-up may decide it
	Dev        bool                        // plain HTTP: cookies without Secure; the style guide is served
	TrustProxy bool                        // trust X-Forwarded-For and -Proto, and require https
	Ready      func(context.Context) error // checks the database and its schema; nil: only that the database answers

	// RequestTime bounds ordinary requests; 0 means 10 s. Tests raise it, so that they pass on a busy machine.
	RequestTime time.Duration

	// TasteChange writes a rating, shelf or dismissal and asks for new recommendations; nil: recommend.Change.
	// Benchmarks replace it.
	TasteChange func(ctx context.Context, db pipeline.DB, jobs *work.Client, readerID int64, changes ...func(tx pgx.Tx) error) error

	console  *console.Server // nil: the site has none
	lab      *lab.Lab        // nil: the site has none
	uploads  atomic.Int32    // files that are arriving
	stopping atomic.Bool
}

// HTTPServer returns a server for this site with all timeouts set. IdleTimeout exceeds the 90 s for which Heroku's router
// keeps an idle connection, because requests would be lost if we closed it first. Streams lift the write deadline, and routes
// with longer limits extend both deadlines.
func (s *Server) HTTPServer(addr string) *http.Server {
	return &http.Server{
		Addr:              addr,
		Handler:           s.Handler(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       20 * time.Second,
		WriteTimeout:      25 * time.Second,
		IdleTimeout:       120 * time.Second,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(s.Log.Handler(), slog.LevelWarn),
	}
}

// Listen passes Postgres's notices on to open pages until ctx ends.
func (s *Server) Listen(ctx context.Context, cfg *pgx.ConnConfig) {
	channels := []live.Channel{{Name: notice.Channel, Topic: notice.Read}}
	if s.lab != nil {
		channels = append(channels, live.Channel{Name: lab.Channel, Topic: lab.Topic})
	}
	s.Hub.Listen(ctx, cfg, channels...)
}

// Stop ends the live streams and makes /readyz fail, so that routers use other processes. Requests that still arrive are
// answered.
func (s *Server) Stop() {
	s.stopping.Store(true)
	s.Hub.Close()
	if s.console != nil {
		s.console.Close()
	}
}

// begin runs fn in a transaction, which is committed if fn returns nil.
func (s *Server) begin(ctx context.Context, fn func(tx pgx.Tx) error) error {
	return trace.Step(ctx, "transaction", func(ctx context.Context) error { return pgx.BeginFunc(ctx, s.DB, fn) })
}
