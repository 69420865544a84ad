package work

import (
	"context"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/backlist/backlist/internal/work/pilot"
	"github.com/backlist/backlist/internal/work/record"
	"github.com/backlist/backlist/internal/work/schedule"
)

// Client enqueues jobs; a Worker works them.
type Client = river.Client[pgx.Tx]

type jobRow = rivertype.JobRow

// DB is what enqueueing and finishing need of a connection: a pool in production, a transaction in tests.
type DB interface {
	Begin(ctx context.Context) (pgx.Tx, error)
}

// Schedule is a job that is enqueued again and again, as the program declares it.
type Schedule = schedule.Schedule

// What becomes of runs of a schedule that no process was there for.
const (
	MissedOnce = schedule.MissedOnce // however many were missed, the job runs once for all of them
	MissedSkip = schedule.MissedSkip // they are left out
)

// Options say how a client is set up.
type Options struct {
	Workers *Workers       // every kind of the binary, for inserting clients too: they refuse unknown kinds
	Queues  map[string]int // queue name → jobs at once in this process
	Schema  string         // River's schema
	Process string         // the platform's name for this process ("worker.1"), "" if it has none
	Release string         // stamped on every job that is enqueued
	Grace   time.Duration  // how long running jobs may go on at a stop before their contexts end; 0: 20 s
	Poll    time.Duration  // how often a worker looks for jobs that no notice told of; 0: every second
	Log     *slog.Logger

	// PollOnly is for a pooler that lends its connections by the transaction: no notices, which the poll of each second
	// makes up for, and no session lock, so that a worker counts as dead only when it has not beaten for 12 s.
	PollOnly bool
	// Unrecorded is what is not kept of jobs: to measure what keeping it costs.
	Unrecorded record.Parts
}

// Recording returns the options for what is recorded.
func (o Options) Recording() record.Options {
	return record.Options{Schema: o.Schema, Process: o.Process, Release: o.Release, Without: o.Unrecorded, Log: o.Log}
}

// NewInserter returns a client that enqueues and works nothing, for web processes.
func NewInserter(pool *pgxpool.Pool, o Options) (*Client, error) {
	cfg := o.config()
	// The pilot sends a notice with every insert. This is River's own, which would be a second round trip: an hour
	// between two of them is as good as never.
	cfg.FetchCooldown, cfg.FetchPollInterval = time.Hour, time.Hour
	return river.NewClient(pilot.NewDriver(pool), cfg)
}

func (o Options) config() *river.Config {
	var workers *river.Workers
	if o.Workers != nil {
		workers = o.Workers.river
	}
	return &river.Config{
		Logger:     o.Log,
		Schema:     o.Schema,
		Workers:    workers,
		Hooks:      []rivertype.Hook{river.HookInsertBeginFunc(accept), stampOrigin(o.Release)},
		Middleware: []rivertype.Middleware{river.JobInsertMiddlewareFunc(record.Inserted)},
	}
}
