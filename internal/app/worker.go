package app

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/backlist/backlist/internal/work"
)

// stopTime is how long a worker process may take to stop: River's 20 s for running jobs, and a little to hand back what
// did not end. Heroku kills at 30 s.
const stopTime = 27 * time.Second

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
	return p.workUntil(ctx, log, url)
}

// workUntil works off jobs until ctx ends, then stops fetching at once, gives running jobs their time and hands back
// the rest without spending an attempt.
func (p *program) workUntil(ctx context.Context, log *slog.Logger, url string) error {
	pool, err := openChecked(ctx, log, url, p.cfg.WorkerPool)
	if err != nil {
		return unlessStopped(ctx, err)
	}
	defer pool.Close()
	workers, err := p.newWorkers(pool, log)
	if err != nil {
		return err
	}
	client, err := work.NewWorker(pool, p.workOptions(workers, log))
	if err != nil {
		return fmt.Errorf("job client: %w", err)
	}
	// Ending ctx is the soft stop; the client itself must not see it as a hard one.
	if err := client.Start(ctx); err != nil {
		return fmt.Errorf("start working: %w", err)
	}
	log.InfoContext(ctx, "worker is ready", "id", client.ID(), "slots", p.cfg.WorkerConcurrency, "pool", pool.Config().MaxConns)
	<-ctx.Done()
	log.InfoContext(ctx, "worker is stopping")
	select {
	case <-client.Stopped():
		return nil
	case <-time.After(stopTime):
		return fmt.Errorf("a job did not stop within %s; it will be rescued", stopTime)
	}
}
