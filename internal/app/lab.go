package app

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/formation"
	"github.com/backlist/backlist/internal/lab"
	"github.com/backlist/backlist/internal/mail"
	"github.com/backlist/backlist/internal/postgres"
	"github.com/backlist/backlist/internal/recommend"
	"github.com/backlist/backlist/internal/web"
	"github.com/backlist/backlist/internal/work"
)

// labShare is how many connections a worker has that an experiment starts, besides the one that carries its heartbeats.
const labShare = 2

// labGrace is how long a worker in this process lets its jobs run when the process stops. Nothing of the lab is worth a wait.
const labGrace = time.Second

// labSlots is how many jobs such a worker process runs at once.
const labSlots = 4

// labRestart is after how long a killed worker process is started again. Another worker takes its job before.
const labRestart = 4 * time.Second

// openLab adds the lab to the site. close ends a run of this process, with the workers that it has started.
func (p *program) openLab(ctx context.Context, log *slog.Logger, url string, pool *pgxpool.Pool, site *web.Server) (close func(), err error) {
	if !p.cfg.Lab {
		return func() {}, nil
	}
	deliver, err := p.deliverWorker(pool, log)
	if err != nil {
		return nil, err
	}
	workers, stopWorkers, err := p.labWorkers(ctx, log, url)
	if err != nil {
		return nil, err
	}
	l := lab.New(lab.Config{
		DB: pool, Jobs: site.Jobs, Slow: slow(pool, site.Jobs, deliver, log), Log: log, Dev: p.cfg.Dev, Page: site.RenderList,
		Work: func(ctx context.Context, slots int, ready func()) error {
			return p.labWorker(ctx, log, url, slots, ready)
		},
		Workers: workers,
	})
	site.OpenLab(l)
	return func() {
		l.Close()
		stopWorkers()
	}, nil
}

// labWorkers returns the worker processes that experiments start in dev; nil elsewhere. They have dev's settings.
func (p *program) labWorkers(ctx context.Context, log *slog.Logger, url string) (workers *formation.Local, stop func(), err error) {
	if !p.cfg.Dev {
		return nil, func() {}, nil
	}
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	workers = formation.NewLocal(formation.Config{
		Type: "lab", Program: []string{self, "worker", "--attached", "--queues", lab.OwnQueue}, Output: p.childOutput, Log: log,
		Restart: labRestart,
		Env: []string{
			"DATABASE_URL=" + url, "SECRET_KEY=" + p.cfg.SecretKey, "BASE_URL=" + p.cfg.BaseURL, "SMTP_URL=" + p.cfg.SMTPURL, "LAB=on",
			fmt.Sprintf("WORKER_POOL=%d", labShare), fmt.Sprintf("WORKER_CONCURRENCY=%d", labSlots),
		},
	})
	return workers, background(context.WithoutCancel(ctx), workers.Run), nil // the experiment ends first
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
	options.Queues, options.Process, options.Grace = map[string]int{lab.OwnQueue: slots}, "lab", labGrace
	return work.Run(ctx, work.Process{
		Options: options, URL: url, Share: postgres.Share{Size: labShare}, Guest: true, Ready: ready,
		Jobs: func(pool *pgxpool.Pool) (*work.Workers, error) { return p.newWorkers(pool, log) },
	})
}
