package app

import (
	"context"
	"log/slog"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/bulk"
	"github.com/backlist/backlist/internal/work"
)

func runWorker(ctx context.Context, p *program, _ []string) error {
	log := newLogger(p.Stdout, p.cfg)
	if err := p.requireSecret(); err != nil {
		return err
	}
	url, release, err := p.databaseURL(ctx, log)
	if err != nil {
		return err
	}
	defer release()
	return p.work(ctx, log, url, nil)
}

// work runs jobs until ctx ends. It calls ready, which may be nil, once it takes jobs.
func (p *program) work(ctx context.Context, log *slog.Logger, url string, ready func()) error {
	acts := bulk.NewRunner(p.cfg.Process, log)
	options := p.workOptions(nil, log)
	options.BulkDue = acts.Wake
	return work.Run(ctx, work.Process{
		Options: options, URL: url, Share: p.share(p.cfg.WorkerPool), Beside: acts.Run, Ready: ready,
		Jobs: func(pool *pgxpool.Pool) (*work.Workers, error) { return p.newWorkers(pool, log) },
	})
}
