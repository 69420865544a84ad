package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/postgres"
	"github.com/backlist/backlist/internal/work"
)

const (
	// workerGC is how far a worker's heap may grow beyond what is in use, in percent, before it is collected: a third more
	// jobs a second than with Go's own 100 (`backlist bench work`), for a heap that is small anyway.
	workerGC = 400
	// workerMemory is what the collector tries to keep a worker under all the same, in bytes: half of the smallest dyno.
	workerMemory = 256 << 20
)

func runWorker(ctx context.Context, p *program, _ []string) error {
	log := newLogger(p.Stdout, p.cfg)
	if err := p.needSecret(); err != nil {
		return err
	}
	url, release, err := p.databaseURL(ctx, log)
	if err != nil {
		return err
	}
	defer release()
	if p.Getenv("GOGC") == "" {
		debug.SetGCPercent(workerGC)
	}
	if p.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(workerMemory)
	}
	return p.workUntil(ctx, log, url, func() {})
}

// workUntil works off jobs until ctx ends. The process's connections are divided: River has some of its own, which jobs
// cannot take, however long their queries are. ready is called once it takes jobs.
func (p *program) workUntil(ctx context.Context, log *slog.Logger, url string, ready func()) error {
	if p.cfg.WorkerPollOnly {
		var err error
		if url, err = postgres.ThroughPooler(url); err != nil {
			return err
		}
	}
	cfg, err := postgres.Reach(ctx, log, url, p.share(p.cfg.WorkerPool))
	if err != nil {
		return unlessStopped(ctx, err)
	}
	if !p.cfg.WorkerPollOnly && postgres.RefusedSettings(url, cfg) {
		return errors.New("a pooler stands before the database and refuses startup parameters: " +
			"give workers a direct connection, or set WORKER_POLL_ONLY=yes")
	}
	own := max(1, cfg.MaxConns/4) // of the process's connections
	cfg.MaxConns = max(1, cfg.MaxConns-own)
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return err
	}
	defer closeSoon(pool)
	riversConfig := pool.Config()
	riversConfig.MaxConns = own
	work.BoundLocks(riversConfig)
	rivers, err := pgxpool.NewWithConfig(ctx, riversConfig)
	if err != nil {
		return err
	}
	defer rivers.Close()
	workers, err := p.newWorkers(pool, log)
	if err != nil {
		return err
	}
	worker, err := work.NewWorker(rivers, p.workOptions(workers, log))
	if err != nil {
		return fmt.Errorf("job client: %w", err)
	}
	stopping := context.AfterFunc(ctx, func() { log.InfoContext(ctx, "worker is stopping") })
	defer stopping()
	return worker.Run(ctx, func() {
		log.InfoContext(ctx, "worker is ready", "id", worker.ID(), "slots", worker.Slots(), "pool", own+pool.Config().MaxConns)
		ready()
	})
}

// closeSoon closes a pool, but does not wait for connections that jobs hold although their contexts have ended: those jobs were
// handed back, and the platform kills a process that goes on for too long.
func closeSoon(pool *pgxpool.Pool) {
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		pool.Close()
	}()
	select {
	case <-closed:
	case <-time.After(time.Second):
	}
}
