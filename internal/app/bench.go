package app

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"github.com/backlist/backlist/internal/bench"
	"github.com/backlist/backlist/internal/mail"
	"github.com/backlist/backlist/internal/postgres"
)

// benchFlags size the measurement.
type benchFlags struct {
	rounds  int
	seconds float64
	idle    float64
	readers int
	signIns int
	waits   int
	json    bool
	process string // set where we are one of the processes that are measured
}

func setBenchFlags(f *flag.FlagSet, p *program) {
	b := &p.bench
	f.IntVar(&b.rounds, "rounds", 3, "how often each variant has its `turn`")
	f.Float64Var(&b.seconds, "seconds", 5, "how `long` a turn takes at most")
	f.IntVar(&b.readers, "readers", 10_000, "signed-in `readers`; in a turn each rates at most once")
	f.IntVar(&b.signIns, "signins", 200, "real `sign-ins`, eight at once, between the turns")
	f.IntVar(&b.waits, "waits", 100, "`ratings` of which the way to the reader's page is timed")
	f.BoolVar(&b.json, "json", false, "print everything as JSON")
	f.StringVar(&b.process, "process", "", "be one of the measured `processes`; bench starts them itself")
}

// webBench is one run of bench web.
type webBench struct {
	*program
	url   string // the run's own database
	dir   string // for the processes' logs
	self  string // this program's file
	pool  *pgxpool.Pool
	conns int // of each contender's pool
	sink  *mail.Sink
	crowd

	webs   map[string]*bench.Process // by contender
	cookie string                    // the session cookie's name
	turn   int                       // turns begun
	first  int                       // the reader with whom this turn begins
}

// isSpan says that a turn may take so many seconds; NaN is not such a number.
func isSpan(seconds float64) bool { return seconds > 0 && seconds <= 24*60*60 }

// runBenchWeb measures what the rating request costs with its job in the transaction, against doing without the job,
// doing the job's work in the request, and sending the same SQL without a web server.
func runBenchWeb(ctx context.Context, p *program, _ []string) error {
	if p.bench.process != "" {
		return p.benchProcess(ctx, p.bench.process)
	}
	if p.bench.rounds < 1 || p.bench.readers < 1 || !isSpan(p.bench.seconds) || p.bench.signIns < 1 || p.bench.waits < 1 {
		return badUse("rounds, seconds (a day at most), readers, signins and waits must be above zero")
	}
	b := &webBench{program: p, webs: map[string]*bench.Process{}}
	url, drop, err := p.benchDatabase(ctx)
	if err != nil {
		return err
	}
	b.url = url
	report, err := b.run(ctx)
	dropped := drop()
	if ctx.Err() != nil {
		return errors.Join(errors.New("broken off before it was done"), dropped)
	}
	if err = errors.Join(err, dropped); err != nil {
		return err
	}
	if p.bench.json {
		err = p.printJSON(report)
	} else {
		err = report.print(p.Stdout)
	}
	return errors.Join(err, report.sound())
}

func (b *webBench) run(ctx context.Context) (report webReport, err error) {
	if b.self, err = os.Executable(); err != nil {
		return report, err
	}
	if b.dir, err = os.MkdirTemp("", "backlist-bench-"); err != nil {
		return report, err
	}
	defer os.RemoveAll(b.dir)
	if b.sink, err = mail.StartSink(mail.SinkConfig{Delay: sinkDelay}); err != nil {
		return report, err
	}
	defer b.sink.Close()
	if err := b.connect(ctx, &report); err != nil {
		return report, err
	}
	defer b.pool.Close()

	b.say("making %d readers with their ratings and sessions", b.bench.readers)
	if err := b.prepare(ctx); err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, b.stopWebs()) }()
	for _, name := range []string{noJob, withJob, inlined} {
		if b.webs[name], err = b.start(ctx, name); err != nil {
			return report, err
		}
	}
	if err := b.learnCookie(ctx); err != nil {
		return report, err
	}
	if err := b.compare(ctx, &report); err != nil {
		return report, err
	}
	b.say("timing the way from a rating to the reader's page")
	if err := b.timeWaits(ctx, &report); err != nil {
		return report, err
	}
	if report.Memory, err = bench.MemoryOf(ctx, b.webs[withJob].PID()); err != nil {
		return report, err
	}
	report.Memory.Peak = max(report.Memory.Peak, report.watched.Peak)
	report.Mails = b.sink.Count()
	report.DistinctReaders, err = b.countActive(ctx)
	report.judge()
	return report, err
}

// connect opens the pool of the run itself, which the contender without a web server uses too.
func (b *webBench) connect(ctx context.Context, report *webReport) (err error) {
	if b.pool, err = postgres.Open(ctx, b.url, b.share(b.cfg.WebPool)); err != nil {
		return err
	}
	b.conns = int(b.pool.Config().MaxConns)
	report.Pool = b.conns
	report.Machine, err = bench.MachineOf(ctx, b.pool)
	return err
}

// start runs one of the measured processes, with a deployment's settings.
func (b *webBench) start(ctx context.Context, name string) (*bench.Process, error) {
	env := []string{
		"DATABASE_URL=" + b.url, "SECRET_KEY=only for a measurement", "BASE_URL=https://backlist.example",
		"SMTP_URL=" + b.sink.URL(), fmt.Sprintf("WEB_POOL=%d", b.conns), "DYNO=bench.1", "LOG_FORMAT=logfmt",
	}
	return bench.Start(ctx, filepath.Join(b.dir, name+".log"), env, b.self, "bench", "web", "--process", name)
}

func (b *webBench) stopWebs() error {
	var group errgroup.Group // together, for each lingers a while
	for _, web := range b.webs {
		if web != nil {
			group.Go(web.Stop)
		}
	}
	return group.Wait()
}

// quiet is for the program's own parts, whose news is none here.
func (b *webBench) quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }
