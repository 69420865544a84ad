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

// DB begins the transactions in which jobs are enqueued and finished: a pool in production, a transaction in tests.
type DB interface {
	Begin(ctx context.Context) (pgx.Tx, error)
}

// Schedule declares a job that is enqueued repeatedly.
type Schedule = schedule.Schedule

// How a schedule treats runs that were missed because no process was running.
const (
	MissedOnce = schedule.MissedOnce // one job runs for all of them
	MissedSkip = schedule.MissedSkip // they are skipped
)

// Options configure a client.
type Options struct {
	Workers *Workers       // every kind of the binary, for inserting clients too: they refuse unknown kinds
	Queues  map[string]int // queue name → how many of its jobs this process runs at once
	Only    bool           // of the queues of brief kinds, it takes jobs only from those in Queues; false: from all
	Schema  string         // River's schema
	Process string         // the platform's name for this process ("worker.1"), "" if it has none
	Release string         // stamped on every job that is enqueued
	Grace   time.Duration  // how long running jobs may continue at a stop before their contexts end; 0: 20 s
	Poll    time.Duration  // how often a worker polls for jobs whose notice was lost; 0: with every heartbeat, which is each second
	Log     *slog.Logger
	// Jobs has the connections of jobs, which a worker's batches of brief jobs use; nil: the worker's own.
	Jobs *pgxpool.Pool
	// BulkDue is called about every second while a bulk act waits for a process; it must not block. It may be nil.
	BulkDue func()
	// Findings stores what needs attention. It is called when what is stored is a few seconds old. It may be nil.
	Findings func(context.Context, *pgxpool.Pool) error

	// PollOnly is for a pooler in transaction mode. Notices do not arrive, so workers rely on polling; and session locks do not
	// hold, so a worker is declared dead only after 12 s without a heartbeat.
	PollOnly bool
	// Unrecorded names the parts of the record that are not written, to measure what they cost.
	Unrecorded record.Parts
}

// Recording returns the options for what is recorded.
func (o Options) Recording() record.Options {
	return record.Options{Schema: o.Schema, Process: o.Process, Release: o.Release, Without: o.Unrecorded, Log: o.Log}
}

// NewInserter returns a client that enqueues jobs and works none, for web processes.
func NewInserter(pool *pgxpool.Pool, o Options) (*Client, error) {
	return river.NewClient(pilot.NewDriver(pool), o.config())
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
