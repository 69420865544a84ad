// Package work is the job system: the only place that builds a River client. It adds to River what operators feel most:
// prompt notices, effects that complete with their job (Finish), and metadata that tells where a job came from.
package work

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/backlist/backlist/internal/work/pilot"
)

// Client enqueues jobs and, if it was made by NewWorker, works them.
type Client = river.Client[pgx.Tx]

// DB is what enqueueing and finishing need of a connection: a pool in production, a transaction in tests.
type DB interface {
	Begin(ctx context.Context) (pgx.Tx, error)
}

const (
	// JobTimeout bounds an attempt whose worker names no limit of its own.
	JobTimeout = time.Minute
	// rescueAfter is when River takes a running job for lost. It must exceed every worker's time limit.
	rescueAfter = 6 * time.Minute
	// softStop is how long running jobs may go on after SIGTERM; Heroku kills at 30 s.
	softStop = 20 * time.Second
	// fetchCooldown bounds throughput (slots ÷ cooldown) and the wait for a second job right after a first.
	fetchCooldown = 2 * time.Millisecond
	// fetchPoll is the fallback where a notice was lost; notices make it rare.
	fetchPoll = time.Second
)

// Options say how a client is set up.
type Options struct {
	Workers  *river.Workers       // every kind of the binary, for inserting clients too: they refuse unknown kinds
	Periodic []*river.PeriodicJob // enqueued by whichever worker process leads
	Queues   map[string]int       // queue name → jobs at once in this process
	Schema   string               // River's schema
	Process  string               // the platform's name for this process ("worker.1"), "" if it has none
	Release  string               // stamped on every job that is enqueued
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

// NewWorker returns a client that works o.Queues once it is started. It uses one connection beside the pool's, to listen.
func NewWorker(pool *pgxpool.Pool, o Options) (*Client, error) {
	cfg := o.config()
	cfg.ID = fmt.Sprintf("%s-%s", cmp.Or(o.Process, "worker"), rand.Text()[:10])
	cfg.FetchCooldown, cfg.FetchPollInterval = fetchCooldown, fetchPoll
	cfg.FetchOnlyKnownKinds = true // a job of a newer release waits for a worker of that release
	cfg.JobTimeout, cfg.RescueStuckJobsAfter = JobTimeout, rescueAfter
	cfg.SoftStopTimeout = softStop
	cfg.ReindexerSchedule = river.NeverSchedule() // REINDEX is heavy on the smallest plan; an operator can run it
	cfg.PeriodicJobs = o.Periodic
	cfg.Queues = map[string]river.QueueConfig{}
	for name, slots := range o.Queues {
		cfg.Queues[name] = river.QueueConfig{MaxWorkers: slots}
	}
	return river.NewClient(pilot.NewDriver(pool), cfg)
}

func (o Options) config() *river.Config {
	return &river.Config{
		Logger:  o.Log,
		Schema:  o.Schema,
		Workers: o.Workers,
		Hooks:   []rivertype.Hook{stampOrigin(o.Release)},
		Middleware: []rivertype.Middleware{
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
