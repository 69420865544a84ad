package app

import (
	"context"
	"errors"
	"flag"
	"log/slog"
	"os"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/crowd"
	"github.com/backlist/backlist/internal/postgres"
	"github.com/backlist/backlist/internal/work"
)

// benchWeb is the command bench web and its flags.
type benchWeb struct {
	rounds, readers, signIns, waits int
	seconds                         float64
	rtt                             time.Duration
	json                            bool
	process                         string // set in the processes that are measured
}

func benchWebCommand() command {
	b := &benchWeb{}
	return command{name: "bench web", short: "measure the rating request", flags: b.flags, run: b.run}
}

func (b *benchWeb) flags(f *flag.FlagSet) {
	f.IntVar(&b.rounds, "rounds", 3, "`rounds` of each variant")
	f.Float64Var(&b.seconds, "seconds", 5, "longest `duration` of a round in seconds")
	f.IntVar(&b.readers, "readers", 10_000, "signed-in `readers`; in a round each rates at most once")
	f.IntVar(&b.signIns, "signins", 200, "real `sign-ins`, eight at a time, between the rounds")
	f.IntVar(&b.waits, "waits", 100, "`ratings` to time until the reader's page shows their result")
	f.DurationVar(&b.rtt, "rtt", 0, "`time` that each round trip to the database takes longer, as over a network: 1ms")
	f.BoolVar(&b.json, "json", false, "print everything as JSON")
	f.StringVar(&b.process, "process", "", "run one of the measured `processes`; bench starts them itself")
}

func (b *benchWeb) run(ctx context.Context, p *program, _ []string) error {
	if b.process != "" {
		return p.benchProcess(ctx, b.process)
	}
	if b.rounds < 1 || b.readers < 1 || !isSpan(b.seconds) || b.signIns < 1 || b.waits < 1 || b.rtt < 0 || b.rtt > time.Second {
		return usageError("rounds, seconds (a day at most), readers, signins and waits must be above zero, and rtt at most a second")
	}
	url, drop, err := p.benchDatabase(ctx)
	if err != nil {
		return err
	}
	report, err := b.measure(ctx, p, url)
	dropped := drop()
	if ctx.Err() != nil {
		return errors.Join(errInterrupted, dropped)
	}
	if err = errors.Join(err, dropped); err != nil {
		return err
	}
	if b.json {
		err = p.printJSON(report)
	} else {
		err = report.Print(p.Stdout)
	}
	return errors.Join(err, report.Sound())
}

// measure runs the workload of package crowd against the product, on an empty database.
func (b *benchWeb) measure(ctx context.Context, p *program, url string) (report crowd.Report, err error) {
	url, closeRelay, err := delayed(url, b.rtt)
	if err != nil {
		return report, err
	}
	defer closeRelay()
	self, err := os.Executable()
	if err != nil {
		return report, err
	}
	pool, err := postgres.Open(ctx, url, p.share(p.cfg.WebPool))
	if err != nil {
		return report, err
	}
	defer pool.Close()
	quiet := slog.New(slog.DiscardHandler)
	return crowd.Run(ctx, crowd.Config{
		Rounds: b.rounds, For: seconds(b.seconds), Readers: b.readers, SignIns: b.signIns, Waits: b.waits,
		URL: url, RTT: b.rtt, Pool: pool, Program: []string{self, "bench", "web", "--process"}, MailDelay: sinkDelay, Say: p.say,
		Seed: func(ctx context.Context, pool *pgxpool.Pool, password string) (emails []string, err error) {
			readers, err := p.seed(ctx, pool, quiet, password)
			for _, r := range readers {
				emails = append(emails, r.Email)
			}
			return emails, err
		},
		Jobs: func(pool *pgxpool.Pool) (*work.Client, error) { return p.newJobs(pool, quiet) },
	})
}

// isSpan reports whether a measurement may take that many seconds. It is false for NaN.
func isSpan(seconds float64) bool { return seconds > 0 && seconds <= 24*60*60 }

func seconds(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }
