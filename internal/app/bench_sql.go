package app

import (
	"context"
	"errors"
	"flag"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/bench"
	"github.com/backlist/backlist/internal/postgres"
)

// benchSQL is the command bench sql and its flags.
type benchSQL struct {
	rounds, finished, waiting, failed, jobs, conns int
	plans, json                                    bool
}

func benchSQLCommand() command {
	b := &benchSQL{}
	return command{
		name: "bench sql", short: "measure the queries of schema jobs at five million jobs, and their cost to the workers",
		flags: b.flags, run: b.run,
	}
}

func (b *benchSQL) flags(f *flag.FlagSet) {
	f.IntVar(&b.rounds, "rounds", 3, "`rounds`: runs of each query and variant")
	f.IntVar(&b.finished, "finished", 5_000_000, "finished `jobs` in the table")
	f.IntVar(&b.waiting, "waiting", 100_000, "`jobs` that wait")
	f.IntVar(&b.failed, "failed", 10_000, "`jobs` that failed")
	f.IntVar(&b.jobs, "jobs", 100_000, "`jobs` that run in a round; 0: leave this out")
	f.IntVar(&b.conns, "connections", 16, "database `connections` of the workers")
	f.BoolVar(&b.plans, "plans", false, "print everything, with the plans of all queries, as Markdown for db/reports/plans.md")
	f.BoolVar(&b.json, "json", false, "print everything as JSON")
}

// run measures how quickly schema jobs answers when there are many jobs, and what its queries cost the workers.
func (b *benchSQL) run(ctx context.Context, p *program, _ []string) (err error) {
	if b.rounds < 1 || b.finished < 1 || b.waiting < 1 || b.failed < 1 || b.jobs < 0 || b.conns < 4 {
		return usageError("rounds, finished, waiting and failed must be above zero, connections at least 4")
	}
	size := bench.SurfaceSize{Finished: b.finished, Waiting: b.waiting, Failed: b.failed}
	url, drop, err := p.benchDatabase(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, drop()) }()
	pool, err := postgres.Open(ctx, url, postgres.Share{Size: 2})
	if err != nil {
		return err
	}
	defer pool.Close()
	report, err := b.measure(ctx, p, pool, size)
	if ctx.Err() != nil {
		return errInterrupted
	}
	if err != nil {
		return err
	}
	if b.json {
		return p.printJSON(report)
	}
	if b.plans {
		return report.Document(p.Stdout)
	}
	return report.Print(p.Stdout)
}

func (b *benchSQL) measure(ctx context.Context, p *program, pool *pgxpool.Pool, size bench.SurfaceSize) (report bench.SurfaceReport, err error) {
	if err := migrateFor(ctx, pool, true); err != nil {
		return report, err
	}
	if _, err := pool.Exec(ctx, benchEffect); err != nil {
		return report, err
	}
	p.say("filling the tables: %d finished jobs, %d that wait, %d that failed, and their history", size.Finished, size.Waiting, size.Failed)
	if err := bench.FillSurface(ctx, pool, size); err != nil {
		return report, err
	}
	p.say("asking")
	answers, err := bench.AskSurface(ctx, pool, size.Finished, b.rounds)
	if err != nil {
		return report, err
	}
	t := bench.Throughput{
		Rounds: b.rounds, Jobs: b.jobs, Finished: size.Finished, Conns: b.conns,
		Database: func(context.Context, string, bool) (*pgxpool.Pool, error) { return pool, nil },
		Process:  runSetupElsewhere,
		Done:     func(c bench.WorkCell) { p.say("%s: %.0f jobs/s", c.Variant, c.PerSecond) },
	}
	var cells []bench.WorkCell
	var pages []float64
	if b.jobs > 0 {
		if cells, pages, err = bench.BesideSurface(ctx, t); err != nil {
			return report, err
		}
	}
	machine, err := bench.MachineOf(ctx, pool)
	return bench.NewSurfaceReport(machine, size, t, answers, cells, pages), err
}
