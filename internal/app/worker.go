package app

import (
	"context"
	"log/slog"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/work"
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
	return p.work(ctx, log, url, nil)
}

// work works off jobs until ctx ends. ready is called once it takes jobs; it may be nil.
func (p *program) work(ctx context.Context, log *slog.Logger, url string, ready func()) error {
	return work.Run(ctx, work.Process{
		Options: p.workOptions(nil, log), URL: url, Share: p.share(p.cfg.WorkerPool), Ready: ready,
		Jobs: func(pool *pgxpool.Pool) (*work.Workers, error) { return p.newWorkers(pool, log) },
	})
}
