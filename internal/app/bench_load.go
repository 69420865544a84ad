package app

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/backlist/backlist/internal/crowd"
	"github.com/backlist/backlist/internal/demo"
	"github.com/backlist/backlist/internal/formation"
	"github.com/backlist/backlist/internal/postgres"
	"github.com/backlist/backlist/internal/web"
)

// benchLoad is the command bench load and its flags.
type benchLoad struct {
	size          demo.Size
	rate          float64
	duration, rtt time.Duration
	find, json    bool
	plot          string // the name of a file
	process       string // set in the processes that are measured
}

func benchLoadCommand() command {
	b := &benchLoad{}
	return command{name: "bench load", short: "measure a large site under the mixed load of many readers", flags: b.flags, run: b.run}
}

func (b *benchLoad) flags(f *flag.FlagSet) {
	f.IntVar(&b.size.Books, "books", 500_000, "`books` of the site")
	f.IntVar(&b.size.Readers, "readers", 200_000, "`readers` of the site")
	f.IntVar(&b.size.Ratings, "ratings", 5_000_000, "`ratings` of the site")
	f.Float64Var(&b.rate, "rate", 600, "`requests` a minute")
	f.DurationVar(&b.duration, "duration", 2*time.Minute, "`length` of the load")
	f.BoolVar(&b.find, "find", false, "then look for the highest rate with a p99 below 200 ms, and compare it with the same SQL without HTTP")
	f.DurationVar(&b.rtt, "rtt", 0, "`time` that each round trip to the database takes longer, as over a network: 1ms")
	f.BoolVar(&b.json, "json", false, "print everything as JSON")
	f.StringVar(&b.plot, "plot", "", "write the load over time to this `file`, as an SVG image")
	f.StringVar(&b.process, "process", "", "run one of the measured `processes`; bench starts them itself")
}

// run offers the load to a web process and a worker on a copy of the site, which is made at the first run.
func (b *benchLoad) run(ctx context.Context, p *program, _ []string) error {
	if b.process != "" {
		return p.loadProcess(ctx, b.process)
	}
	if b.size.Books < 100 || b.size.Readers < 100 || b.size.Ratings < 100 || !(b.rate > 0) || !isSpan(b.duration.Seconds()) || b.rtt < 0 || b.rtt > time.Second {
		return usageError("books, readers and ratings must be at least 100, rate and duration (a day at most) above zero, and rtt at most a second")
	}
	report, err := b.measure(ctx, p)
	if err != nil {
		return err
	}
	if b.plot != "" {
		if err := writePlot(b.plot, &report); err != nil {
			return err
		}
	}
	if b.json {
		err = p.printJSON(report)
	} else {
		err = report.Print(p.Stdout)
	}
	return errors.Join(err, report.Sound())
}

// measure finds or makes the site, copies it, and drops the copy after the load.
func (b *benchLoad) measure(ctx context.Context, p *program) (report crowd.LoadReport, err error) {
	server, err := p.startBenchServer(ctx, "bench-load")
	if err != nil {
		return report, err
	}
	site, err := p.loadSite(ctx, server, b.size)
	if err != nil {
		return report, errors.Join(orInterrupted(ctx, err), server.stop())
	}
	p.say("copying the site")
	if err := server.create(ctx, site); err != nil {
		return report, errors.Join(err, server.stop())
	}
	defer func() { err = errors.Join(orInterrupted(ctx, err), server.drop()) }()
	url, closeRelay, err := delayed(server.database, b.rtt)
	if err != nil {
		return report, err
	}
	defer closeRelay()
	pool, err := postgres.Open(ctx, url, p.share(p.cfg.WebPool))
	if err != nil {
		return report, err
	}
	defer pool.Close()
	self, err := os.Executable()
	if err != nil {
		return report, err
	}
	quiet := slog.New(slog.DiscardHandler)
	router, err := p.site(pool, quiet)
	if err != nil {
		return report, err
	}
	report, err = crowd.Load(ctx, crowd.LoadConfig{
		Size: b.size, PerMinute: b.rate, For: b.duration, Find: b.find, MailDelay: sinkDelay,
		Pool: pool, URL: url, Program: []string{self, "bench", "load", "--process"}, Secret: "only for a measurement",
		Routes: router.Handler().(chi.Routes), Say: p.say,
		Site: func(db web.DB) (http.Handler, error) {
			site, err := p.site(pool, quiet)
			if err != nil {
				return nil, err
			}
			site.DB, site.Secret, site.TrustProxy = db, "only for a measurement", true
			return site.Handler(), nil
		},
	})
	report.RTT = float64(b.rtt) / float64(time.Millisecond)
	return report, err
}

// orInterrupted returns errInterrupted instead of the errors that follow from an interruption.
func orInterrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errInterrupted
	}
	return err
}

func writePlot(name string, report *crowd.LoadReport) error {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(report.Plot(file), file.Close())
}

// loadProcess runs a process that bench load measures: the product's web process, or its worker. It ends with ctx or at the end of
// its standard input.
func (p *program) loadProcess(ctx context.Context, name string) error {
	ctx, cancel := formation.Attached(ctx, p.Stdin)
	defer cancel()
	log := newLogger(p.Stderr, p.cfg)
	if name == "worker" {
		fmt.Fprintln(p.Stdout, name)
		return p.work(ctx, log, p.cfg.DatabaseURL, nil, nil)
	}
	return p.serveMeasured(ctx, log)
}
