package app

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"

	"github.com/backlist/backlist/db"
	"github.com/backlist/backlist/internal/finding"
	"github.com/backlist/backlist/internal/importer"
	"github.com/backlist/backlist/internal/lab"
	"github.com/backlist/backlist/internal/mail"
	"github.com/backlist/backlist/internal/reader"
	"github.com/backlist/backlist/internal/recommend"
	"github.com/backlist/backlist/internal/site"
	"github.com/backlist/backlist/internal/work"
)

// newWorkers registers all job kinds. To add one, write its args and worker in jobs.go of its package, and a line here.
func (p *program) newWorkers(pool *pgxpool.Pool, log *slog.Logger) (*work.Workers, error) {
	jobs, err := work.NewInserter(pool, p.workOptions(nil, log))
	if err != nil {
		return nil, fmt.Errorf("job client: %w", err)
	}
	deliver, err := p.deliverWorker(pool, log)
	if err != nil {
		return nil, err
	}
	workers := work.NewWorkers()
	work.AddWorker(workers, &recommend.ReaderWorker{DB: pool, Jobs: jobs, Log: log})
	work.AddWorker(workers, &recommend.NeighboursWorker{DB: pool, Jobs: jobs})
	work.AddWorker(workers, deliver)
	work.AddWorker(workers, &importer.Worker{DB: pool, Jobs: jobs})
	work.AddWorker(workers, &importer.PruneWorker{DB: pool})
	work.AddWorker(workers, &reader.PruneWorker{DB: pool})
	work.AddWorker(workers, &lab.PruneWorker{DB: pool})
	if p.cfg.Lab {
		lab.AddWorkers(workers, slow(pool, jobs, deliver, log))
	}
	return workers, nil
}

// deliverWorker returns the worker that sends mail, with the composer of each kind of letter.
func (p *program) deliverWorker(pool *pgxpool.Pool, log *slog.Logger) (*mail.DeliverWorker, error) {
	sender, err := mail.NewSender(p.cfg.SMTPURL, p.cfg.MailFrom)
	if err != nil {
		return nil, err
	}
	address := site.NewAddress(p.cfg.BaseURL)
	return &mail.DeliverWorker{
		DB: pool, Sender: sender, Secret: p.cfg.SecretKey, Log: log,
		Base: func(ctx context.Context) (string, error) { return address.Base(ctx, pool) },
		Composers: map[mail.Kind]mail.Compose{
			mail.KindWelcome: reader.WelcomeLetter,
			mail.KindReset:   reader.ResetLetter,
			mail.KindReady:   recommend.ReadyLetter,
			mail.KindLab:     lab.Letter,
		},
	}, nil
}

// schedules returns all periodic jobs. To add one, write its work.Schedule in jobs.go of its package, and name it here.
func schedules() []work.Schedule {
	return []work.Schedule{recommend.Schedule(), reader.Schedule(), lab.Schedule(), importer.Schedule()}
}

// workOptions returns the options of a worker process, with its queues.
func (p *program) workOptions(workers *work.Workers, log *slog.Logger) work.Options {
	queues := map[string]int{river.QueueDefault: p.cfg.WorkerConcurrency, mail.QueueName: p.cfg.WorkerConcurrency}
	queues[importer.QueueName] = importer.Slots
	if p.cfg.Lab {
		queues[lab.QueueName] = p.cfg.WorkerConcurrency
	}
	return work.Options{
		Workers: workers,
		Queues:  queues,
		Schema:  db.RiverSchema,
		Process: p.cfg.Process,
		Release: p.cfg.Release,
		Log:     log,

		Findings: finding.Keep,
		PollOnly: p.cfg.WorkerPollOnly,
	}
}

// newJobs returns a client that enqueues.
func (p *program) newJobs(pool *pgxpool.Pool, log *slog.Logger) (*work.Client, error) {
	workers, err := p.newWorkers(pool, log)
	if err != nil {
		return nil, err
	}
	return work.NewInserter(pool, p.workOptions(workers, log))
}
