package drill

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"

	"github.com/backlist/backlist/db"
	"github.com/backlist/backlist/internal/postgres"
	"github.com/backlist/backlist/internal/serve"
	"github.com/backlist/backlist/internal/work"
)

// serveWeb accepts steps by HTTP until ctx ends, and stops like the site. A request is acknowledged with 204 when its
// row and its job are committed, in one transaction.
func serveWeb(ctx context.Context, databaseURL string, size int, tell func(string, ...any), log *slog.Logger) error {
	pool, err := postgres.Open(ctx, databaseURL, postgres.Share{Size: size})
	if err != nil {
		return err
	}
	defer pool.Close()
	workers := work.NewWorkers()
	work.AddWorker(workers, &stepWorker{})
	work.AddBrief(workers, smallWorker{}, work.Brief{})
	jobs, err := work.NewInserter(pool, work.Options{Workers: workers, Schema: db.RiverSchema, Release: "drill", Log: log})
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /steps", func(w http.ResponseWriter, r *http.Request) {
		millis, err := strconv.Atoi(r.FormValue("millis"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		step := Step{
			Key: r.FormValue("key"), Millis: millis, How: r.FormValue("how"), Output: r.FormValue("output"), Note: r.FormValue("note"),
		}
		if err := enqueue(r.Context(), pool, jobs, step); err != nil {
			log.WarnContext(r.Context(), "refused", "key", step.Key, "err", err)
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 15 * time.Second,
		IdleTimeout: 2 * time.Minute, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	tell("name %s", listener.Addr())
	tell("ready") // the kernel already accepts connections
	return (&serve.Server{HTTP: server, Routed: true}).Run(ctx, listener)
}

// enqueue stores the request and its job together.
func enqueue(ctx context.Context, pool *pgxpool.Pool, jobs *work.Client, steps ...Step) error {
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		many := make([]river.InsertManyParams, len(steps))
		keys := make([]string, len(steps))
		for i, step := range steps {
			keys[i], many[i].Args = step.Key, step.args()
		}
		if _, err := tx.Exec(ctx, "insert into drill.request (key) select unnest($1::text[])", keys); err != nil {
			return err
		}
		_, err := jobs.InsertManyTx(ctx, tx, many)
		return err
	})
}
