// Package work is the job system: the only place that builds a River client. It adds to River what operators feel most:
// prompt notices, effects that complete with their job (Finish), workers that prove themselves alive and whose jobs are
// rescued at once when they die, draining, and metadata that tells where a job came from.
package work

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/backlist/backlist/internal/work/pilot"
)

// Client enqueues jobs; a Worker works them.
type Client = river.Client[pgx.Tx]

type jobRow = rivertype.JobRow

// DB is what enqueueing and finishing need of a connection: a pool in production, a transaction in tests.
type DB interface {
	Begin(ctx context.Context) (pgx.Tx, error)
}

// Options say how a client is set up.
type Options struct {
	Workers  *river.Workers       // every kind of the binary, for inserting clients too: they refuse unknown kinds
	Periodic []*river.PeriodicJob // enqueued by whichever worker process leads
	Queues   map[string]int       // queue name → jobs at once in this process
	Schema   string               // River's schema
	Process  string               // the platform's name for this process ("worker.1"), "" if it has none
	Release  string               // stamped on every job that is enqueued
	Grace    time.Duration        // how long running jobs may go on at a stop before their contexts end; 0: 20 s
	Log      *slog.Logger
}

// NewInserter returns a client that enqueues and works nothing, for web processes.
func NewInserter(pool *pgxpool.Pool, o Options) (*Client, error) {
	cfg := o.config()
	// The pilot sends a notice with every insert. This is River's own, which would be a second round trip: an hour
	// between two of them is as good as never.
	cfg.FetchCooldown, cfg.FetchPollInterval = time.Hour, time.Hour
	return river.NewClient(pilot.NewDriver(pool), cfg)
}

// AddWorker registers a kind's worker. It is River's own, and notes when the worker's Work begins: what fails before it,
// on arguments that cannot be read, is held rather than tried again and again.
func AddWorker[T river.JobArgs](workers *river.Workers, worker river.Worker[T]) {
	river.AddWorker(workers, &beginning[T]{worker})
}

type beganKey struct{}

type beginning[T river.JobArgs] struct{ river.Worker[T] }

func (b *beginning[T]) Work(ctx context.Context, job *river.Job[T]) error {
	if began, ok := ctx.Value(beganKey{}).(*bool); ok {
		*began = true
	}
	return b.Worker.Work(ctx, job)
}

func (o Options) config() *river.Config {
	return &river.Config{
		Logger:  o.Log,
		Schema:  o.Schema,
		Workers: o.Workers,
		Hooks:   []rivertype.Hook{stampOrigin(o.Release)},
		Middleware: []rivertype.Middleware{
			river.JobInsertMiddlewareFunc(collect),
			river.WorkerMiddlewareFunc(passOrigin),
			river.WorkerMiddlewareFunc(logAttempt(o.Log)),
			river.WorkerMiddlewareFunc(maskAddresses),
		},
	}
}

// logAttempt writes one line an attempt: what ran, how long it had waited, how long it took, how it ended.
func logAttempt(log *slog.Logger) river.WorkerMiddlewareFunc {
	return func(ctx context.Context, job *rivertype.JobRow, doInner func(context.Context) error) error {
		start := time.Now()
		err := doInner(ctx)
		attrs := []any{
			"job_id", job.ID, "kind", job.Kind, "attempt", job.Attempt,
			"wait_ms", start.Sub(job.ScheduledAt).Milliseconds(), "run_ms", time.Since(start).Milliseconds(),
		}
		if id := OriginOf(ctx).RequestID; id != "" {
			attrs = append(attrs, "request_id", id)
		}
		switch {
		case err == nil:
			log.InfoContext(ctx, "job done", attrs...)
		case errors.Is(err, ErrLost):
			log.WarnContext(ctx, "job lost to another attempt: nothing was changed", attrs...)
		default:
			log.WarnContext(ctx, "job not done", append(attrs, "err", err)...)
		}
		return err
	}
}
