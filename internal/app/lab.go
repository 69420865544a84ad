package app

import (
	"context"
	"log/slog"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/lab"
	"github.com/backlist/backlist/internal/mail"
	"github.com/backlist/backlist/internal/postgres"
	"github.com/backlist/backlist/internal/recommend"
	"github.com/backlist/backlist/internal/web"
	"github.com/backlist/backlist/internal/work"
)

// labShare is how many connections a worker has that an experiment starts, besides the one that carries its heartbeats.
const labShare = 2

// openLab adds the lab to the site. close ends a run of this process.
func (p *program) openLab(log *slog.Logger, url string, pool *pgxpool.Pool, site *web.Server) (close func(), err error) {
	if !p.cfg.Lab {
		return func() {}, nil
	}
	deliver, err := p.deliverWorker(pool, log)
	if err != nil {
		return nil, err
	}
	l := lab.New(lab.Config{
		DB: pool, Jobs: site.Jobs, Slow: slow(pool, site.Jobs, deliver, log), Log: log, Dev: p.cfg.Dev, Page: site.RenderList,
		Work: func(ctx context.Context, slots int, ready func()) error {
			return p.labWorker(ctx, log, url, slots, ready)
		},
	})
	site.OpenLab(l)
	return l.Close, nil
}

// slow returns the slow steps of the lab's requests and jobs.
func slow(pool *pgxpool.Pool, jobs *work.Client, deliver *mail.DeliverWorker, log *slog.Logger) *lab.Slow {
	return &lab.Slow{
		DB: pool, Lists: &recommend.ReaderWorker{DB: pool, Jobs: jobs, Log: log, Quiet: true}, Letters: *deliver, MailDelay: lab.MailDelay,
	}
}

// labWorker runs a worker for an experiment.
func (p *program) labWorker(ctx context.Context, log *slog.Logger, url string, slots int, ready func()) error {
	options := p.workOptions(nil, log)
	options.Queues, options.Process = map[string]int{lab.OwnQueue: slots}, "lab"
	return work.Run(ctx, work.Process{
		Options: options, URL: url, Share: postgres.Share{Size: labShare}, Guest: true, Ready: ready,
		Jobs: func(pool *pgxpool.Pool) (*work.Workers, error) { return p.newWorkers(pool, log) },
	})
}
