package bench

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"github.com/backlist/backlist/db"
	"github.com/backlist/backlist/internal/postgres"
	"github.com/backlist/backlist/internal/trace"
	"github.com/backlist/backlist/internal/work"
	"github.com/backlist/backlist/internal/work/record"
)

// The contenders of bench work and bench latency.
const (
	RiverDefaults = "River, defaults"
	RiverTuned    = "River, tuned"
	Ours          = "Backlist"
	Postgres      = "Postgres" // without a job system, as a baseline
	// Backlist without a part, to measure what the part costs.
	OursUnrecorded    = "Backlist, nothing recorded"
	OursNoAttempts    = "Backlist, no attempts"
	OursNoMinutes     = "Backlist, no minutes"
	OursRiversIndexes = "Backlist, River's indexes" // with the indexes that River makes
)

// unrecorded returns what a contender does not record about its jobs.
func unrecorded(contender string) record.Parts {
	switch contender {
	case OursUnrecorded:
		return record.Everything
	case OursNoAttempts:
		return record.Attempts
	case OursNoMinutes:
		return record.Minutes
	}
	return 0
}

// RiversIndexes are statements that replace our indexes by those that River's migrator makes.
const RiversIndexes = `drop index river.job_available, river.job_later, river.job_running, river.job_args;
	create index on river.river_job (state, queue, priority, scheduled_at, id);
	create index on river.river_job using gin (args);
	create index on river.river_job using gin (metadata);
	create index on river.river_job (kind)`

// The workloads of bench work.
const (
	NoOp      = "no-op"     // the job does nothing
	LogsLine  = "a line"    // the job writes a line to its log
	TakesStep = "a step"    // the job has a step that is timed
	WritesRow = "one write" // the job writes a row in the transaction that completes it
	// Of a brief kind.
	BriefNoOp      = "brief: no-op"
	BriefWritesRow = "brief: one write"
)

const (
	riverSchema = "river"
	slots       = 1000 // concurrent jobs, except with River's defaults
	riverSlots  = 100  // River's own example
)

// WorkArgs are the arguments of the measured jobs.
type WorkArgs struct {
	N int `json:"n"`
}

// Kind names the job.
func (WorkArgs) Kind() string { return "bench" }

// BriefArgs are the arguments of the measured jobs of a brief kind.
type BriefArgs struct {
	N int `json:"n"`
}

// Kind names the job.
func (BriefArgs) Kind() string { return "bench_brief" }

// InsertOpts names the kind's own queue.
func (BriefArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: "bench_brief"} }

// briefWorker runs the measured jobs of the brief kind.
type briefWorker struct {
	each   func() // called after each job
	writes bool
}

func (w *briefWorker) Work(_ context.Context, job *river.Job[BriefArgs], fx *work.Effects) error {
	if w.writes {
		fx.Exec("insert into bench_effect (job_id) values ($1)", job.ID)
	}
	w.each()
	return nil
}

// Setup configures one process of bench work.
type Setup struct {
	Contender string
	Workload  string
	URL       string
	Jobs      int
	Conns     int // of all pools together
}

// Elapsed is the report of such a process.
type Elapsed struct {
	Seconds float64 `json:"seconds"` // from the start of the client until everything is stored
	CPU     float64 `json:"cpu"`     // seconds of CPU that this process used meanwhile
}

// WorkOff runs s.Jobs waiting jobs, and returns when all their outcomes are stored.
func WorkOff(ctx context.Context, s Setup) (Elapsed, error) {
	done := make(chan struct{})
	var worked atomic.Int64
	worker := &benchWorker{each: func() {
		if worked.Add(1) == int64(s.Jobs) {
			close(done)
		}
	}}
	var began time.Time
	var cpu time.Duration
	begin := func() { began, cpu = time.Now(), processCPU() }
	run := s.runRiver
	if strings.HasPrefix(s.Contender, Ours) {
		run = s.runOurs
	}
	if err := run(ctx, worker, begin, done); err != nil {
		return Elapsed{}, err
	}
	return Elapsed{Seconds: time.Since(began).Seconds(), CPU: (processCPU() - cpu).Seconds()}, nil
}

// runOurs runs the worker process that the product runs, and stops it once done is closed. It calls begin before any job.
func (s Setup) runOurs(ctx context.Context, worker *benchWorker, begin func(), done <-chan struct{}) error {
	running, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		select {
		case <-done:
			stop()
		case <-running.Done():
		}
	}()
	err := work.Run(running, work.Process{
		Options: work.Options{
			Queues: map[string]int{river.QueueDefault: slots}, Schema: riverSchema, Process: "bench.1", Release: "bench",
			Log: slog.New(slog.DiscardHandler), Unrecorded: unrecorded(s.Contender),
		},
		URL: s.URL, Share: postgres.Share{Size: s.Conns},
		Jobs: func(pool *pgxpool.Pool) (*work.Workers, error) {
			worker.do = s.job(pool)
			workers := work.NewWorkers()
			work.AddWorker(workers, worker)
			work.AddBrief(workers, &briefWorker{worker.each, s.Workload == BriefWritesRow}, work.Brief{})
			return workers, nil
		},
		Started: func(string) { begin() },
	})
	return errors.Join(err, ctx.Err())
}

// job is what a job of ours does; nil: nothing.
func (s Setup) job(pool *pgxpool.Pool) func(ctx context.Context, job *river.Job[WorkArgs]) error {
	switch s.Workload {
	case LogsLine:
		return func(ctx context.Context, job *river.Job[WorkArgs]) error {
			work.Log(ctx).InfoContext(ctx, "done", "n", job.Args.N)
			return nil
		}
	case TakesStep:
		return func(ctx context.Context, _ *river.Job[WorkArgs]) error {
			return trace.Step(ctx, "step", func(context.Context) error { return nil })
		}
	case WritesRow:
		return func(ctx context.Context, job *river.Job[WorkArgs]) error {
			return work.Finish(ctx, pool, job, func(tx pgx.Tx) error { return effect(ctx, tx, job.ID) })
		}
	}
	return nil
}

// runRiver does the same with plain River. Tuned River has the garbage collector as ours has it.
func (s Setup) runRiver(ctx context.Context, worker *benchWorker, begin func(), done <-chan struct{}) error {
	cfg := &river.Config{
		Schema: riverSchema, Logger: slog.New(slog.DiscardHandler), Workers: river.NewWorkers(),
		Queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: riverSlots}},
	}
	if s.Contender == RiverTuned {
		defer work.Tune()()
		cfg.FetchCooldown, cfg.FetchPollInterval = time.Millisecond, 20*time.Millisecond
		cfg.Queues[river.QueueDefault] = river.QueueConfig{MaxWorkers: slots}
	}
	pool, err := sized(ctx, s.URL, s.Conns)
	if err != nil {
		return err
	}
	defer pool.Close()
	if s.Workload == WritesRow {
		worker.do = func(ctx context.Context, job *river.Job[WorkArgs]) error {
			return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
				if err := effect(ctx, tx, job.ID); err != nil {
					return err
				}
				_, err := river.JobCompleteTx[*riverpgxv5.Driver](ctx, tx, job)
				return err
			})
		}
	}
	river.AddWorker(cfg.Workers, worker)
	client, err := river.NewClient(riverpgxv5.New(pool), cfg)
	if err != nil {
		return err
	}
	begin()
	if err := client.Start(ctx); err != nil {
		return err
	}
	select {
	case <-done:
	case <-ctx.Done():
	}
	return errors.Join(client.Stop(context.WithoutCancel(ctx)), ctx.Err())
}

// sized returns a pool for plain River, with the settings that our connections have.
func sized(ctx context.Context, url string, conns int) (*pgxpool.Pool, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("the database's URL: %w", err)
	}
	cfg.MaxConns = int32(conns)
	db.Rely(cfg.ConnConfig)
	return pgxpool.NewWithConfig(ctx, cfg)
}

// benchWorker runs the measured jobs.
type benchWorker struct {
	river.WorkerDefaults[WorkArgs]
	each func()                                                    // called after each job
	do   func(ctx context.Context, job *river.Job[WorkArgs]) error // nil: the job does nothing
}

func (w *benchWorker) Work(ctx context.Context, job *river.Job[WorkArgs]) error {
	if w.do != nil {
		if err := w.do(ctx, job); err != nil {
			return err
		}
	}
	w.each()
	return nil
}

func effect(ctx context.Context, tx pgx.Tx, jobID int64) error {
	_, err := tx.Exec(ctx, "insert into bench_effect (job_id) values ($1)", jobID)
	return err
}
