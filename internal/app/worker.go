package app

import (
	"context"
	"flag"
	"log/slog"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/bulk"
	"github.com/backlist/backlist/internal/formation"
	"github.com/backlist/backlist/internal/work"
)

// working is the command worker and its flags.
type working struct {
	queues   words
	attached bool
}

func workerCommand() command {
	w := &working{}
	return command{name: "worker", short: "run jobs", flags: w.flags, run: w.run}
}

func (w *working) flags(f *flag.FlagSet) {
	f.Var(&w.queues, "queues", "`names` of the only queues to take jobs from, separated by commas (default: all of the site's)")
	f.BoolVar(&w.attached, "attached", false, "stop when standard input ends, as the program that started this one keeps it open")
}

func (w *working) run(ctx context.Context, p *program, _ []string) error {
	if w.attached {
		var cancel context.CancelFunc
		ctx, cancel = formation.Attached(ctx, p.Stdin)
		defer cancel()
	}
	log := newLogger(p.Stdout, p.cfg)
	if err := p.requireSecret(); err != nil {
		return err
	}
	url, release, err := p.databaseURL(ctx, log)
	if err != nil {
		return err
	}
	defer release()
	return p.work(ctx, log, url, w.queues, nil)
}

// work runs jobs until ctx ends: those of the given queues, or of all of the site's if there are none. It calls ready, which may
// be nil, once it takes jobs.
func (p *program) work(ctx context.Context, log *slog.Logger, url string, queues []string, ready func()) error {
	acts := bulk.NewRunner(p.cfg.Process, log)
	options := p.workOptions(nil, log)
	options.BulkDue = acts.Wake
	if len(queues) > 0 {
		options.Queues, options.Only = map[string]int{}, true
		for _, name := range queues {
			options.Queues[name] = p.cfg.WorkerConcurrency
		}
	}
	return work.Run(ctx, work.Process{
		Options: options, URL: url, Share: p.share(p.cfg.WorkerPool), Beside: acts.Run, Ready: ready,
		Jobs: func(pool *pgxpool.Pool) (*work.Workers, error) { return p.newWorkers(pool, log) },
	})
}
