package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/backlist/backlist/internal/busy"
	"github.com/backlist/backlist/internal/demo"
	"github.com/backlist/backlist/internal/mail"
	"github.com/backlist/backlist/internal/postgres"
	"github.com/backlist/backlist/internal/reader"
	"github.com/backlist/backlist/internal/site"
)

// demoPassword is the password of the invented readers in dev. Elsewhere theirs are random and stored nowhere.
const demoPassword = "a quiet evening"

// sinkDelay is the time that dev's mail server takes for each mail, so that it is slow like the service in the example that
// Backlist is built on.
const sinkDelay = 100 * time.Millisecond

// developing is the command dev and its flags.
type developing struct {
	verbose bool
	busy    bool
	scale   bool
	process string // set in the demo load's own processes
}

func devCommand() command {
	d := &developing{}
	return command{
		name: "dev", short: "run everything on this machine: a private Postgres, the site, one worker, a slow mail server",
		flags: d.flags, run: d.run,
	}
}

func (d *developing) flags(f *flag.FlagSet) {
	f.BoolVar(&d.verbose, "verbose", false, "print the logs as well, on standard error")
	f.BoolVar(&d.busy, "busy", false, "add a demo load: an invented shop's jobs in every state, its workers, and its past")
	f.BoolVar(&d.scale, "scale", false, "run workers as processes, one to four of them as the load needs")
	f.StringVar(&d.process, "process", "", "run one of the demo load's `processes`; dev starts them itself")
}

func (d *developing) run(ctx context.Context, p *program, _ []string) error {
	if d.process != "" {
		return busy.Serve(ctx, d.process, p.cfg.DatabaseURL, p.Stdin, p.Stdout, newLogger(p.Stderr, p.cfg))
	}
	return p.dev(ctx, d)
}

// dev runs the whole product until ctx ends, and stops everything that it started. The terminal gets a line for each step;
// logs go to a file.
func (p *program) dev(ctx context.Context, d *developing) error {
	if d.busy && d.scale {
		return usageError("use --busy or --scale: the demo load has workers of its own")
	}
	p.cfg.Dev, p.cfg.Lab = true, true
	// Listening comes first, so that a taken port stops dev before anything starts. The address is local, because dev's
	// passwords are public.
	listener, err := listen("localhost", p.cfg.Port)
	if err != nil {
		return err
	}
	defer listener.Close()
	dir, err := p.data()
	if err != nil {
		return err
	}
	file, err := devLog(dir)
	if err != nil {
		return err
	}
	defer file.Close()
	out := io.Writer(file)
	if d.verbose {
		out = io.MultiWriter(file, p.Stderr)
	}
	p.childOutput = out
	s := &steps{w: p.Stdout, apart: d.verbose}
	log := newLogger(out, p.cfg)
	var load func(ctx context.Context, url string, ready func()) error
	if d.busy {
		load = func(ctx context.Context, url string, ready func()) error { return busyLoad(ctx, log, out, url, ready) }
	}
	err = unlessStopped(ctx, p.runSteps(ctx, s, log, listener, file.Name(), d.scale, load))
	if err != nil {
		s.end()
		return fmt.Errorf("%w\nThe log is in %s", err, file.Name())
	}
	fmt.Fprintln(p.Stdout, "\nStopped. Everything is kept for next time.")
	return nil
}

// runSteps starts the parts of dev one after another, and waits until ctx ends or a part fails. load is the demo load, or nil.
func (p *program) runSteps(
	ctx context.Context, s *steps, log *slog.Logger, listener net.Listener, logFile string, scaled bool,
	load func(ctx context.Context, url string, ready func()) error,
) error {
	if p.cfg.DatabaseURL == "" {
		s.begin("Starting Postgres")
	} else {
		s.begin("Connecting to Postgres")
	}
	url, release, err := p.databaseURL(ctx, log)
	if err != nil {
		return err
	}
	defer release()
	if p.cfg.SecretKey == "" {
		p.cfg.SecretKey = devSecret(url)
	}
	if p.cfg.BaseURL == "" {
		p.cfg.BaseURL = fmt.Sprintf("http://localhost:%d", listener.Addr().(*net.TCPAddr).Port)
	}
	invented, err := p.prepareDev(ctx, s, log, url)
	if err != nil {
		return err
	}
	if p.cfg.SMTPURL == "" {
		s.begin("Starting a mail server")
		sink, err := mail.StartSink(mail.SinkConfig{Delay: sinkDelay, Log: log})
		if err != nil {
			return fmt.Errorf("mail server: %w", err)
		}
		defer sink.Close()
		p.cfg.SMTPURL = sink.URL()
		s.done("takes %d ms for each mail", sinkDelay.Milliseconds())
	}
	work := func(ctx context.Context, ready func()) error {
		return p.work(ctx, log.With("process", "worker"), url, nil, ready)
	}
	runs := fmt.Sprintf("runs up to %d jobs of a queue at once", p.cfg.WorkerConcurrency)
	if scaled {
		p.cfg.WorkersMax = max(p.cfg.WorkersMax, devWorkersMax)
		workers, err := p.startDevWorkers(ctx, log, p.childOutput, url)
		if err != nil {
			return err
		}
		defer background(ctx, workers.Run)()
		p.formation = local(workers)
		work = func(ctx context.Context, ready func()) error { return scaleDevWorkers(ctx, url, ready) }
		runs = fmt.Sprintf("more start when jobs wait, up to %d", devWorkersMax)
	}
	group, ctx := errgroup.WithContext(ctx)
	start := func(what string, run func(ready func()) error) bool {
		ready := make(chan struct{})
		s.begin(what)
		group.Go(func() error { return run(sync.OnceFunc(func() { close(ready) })) })
		select {
		case <-ready:
			return true
		case <-ctx.Done():
			return false
		}
	}
	if start("Starting the site", func(ready func()) error {
		return p.serve(ctx, log.With("process", "web"), url, listener, ready)
	}) {
		s.done("serves %s", p.cfg.BaseURL)
		if start("Starting a worker", func(ready func()) error { return work(ctx, ready) }) {
			s.done("%s", runs)
			if load == nil {
				p.explain(invented, logFile)
				if scaled {
					fmt.Fprintf(p.Stdout, scaleBanner, p.dataFlag())
				}
			} else if start("Starting a demo load", func(ready func()) error { return load(ctx, url, ready) }) {
				s.done("three workers of an invented shop")
				p.explain(invented, logFile)
				fmt.Fprint(p.Stdout, busyBanner)
			}
		}
	}
	return group.Wait()
}

// prepareDev brings the schema, the catalogue and the invented readers up to date, and returns a reader to sign in as.
func (p *program) prepareDev(ctx context.Context, s *steps, log *slog.Logger, url string) (demo.Reader, error) {
	pool, err := postgres.Open(ctx, url, postgres.Share{Size: 2})
	if err != nil {
		return demo.Reader{}, err
	}
	defer pool.Close()
	var version string
	if err := pool.QueryRow(ctx, "show server_version").Scan(&version); err != nil {
		return demo.Reader{}, err
	}
	s.done("version %s", version)
	s.begin("Preparing the schema")
	if err := migrate(ctx, pool, log); err != nil {
		return demo.Reader{}, err
	}
	if p.cfg.DatabaseURL == "" { // on other servers, kinds of these names may belong to other programs
		if err := busy.Clear(ctx, pool); err != nil {
			return demo.Reader{}, fmt.Errorf("remove an earlier demo load: %w", err)
		}
	}
	if err := site.Set(ctx, pool, p.cfg.BaseURL); err != nil { // for other commands, such as reader reset
		return demo.Reader{}, err
	}
	s.done("up to date")
	s.begin("Loading the catalogue")
	books, err := seedCatalogue(ctx, pool, log)
	if err != nil {
		return demo.Reader{}, err
	}
	s.done("%d books", books)
	s.begin("Inventing readers")
	readers, err := p.seedReaders(ctx, pool, log, demoPassword)
	if err != nil {
		return demo.Reader{}, err
	}
	s.done("%d readers with their ratings", len(readers))
	if p.cfg.DatabaseURL == "" { // elsewhere a known password must not open the console
		err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
			_, err := reader.AddOperator(ctx, tx, readers[0].Email, reader.RoleOperator, "backlist dev")
			return err
		})
	}
	return readers[0], err
}

// devSecret derives a secret from the private database's password. It is the same in every run, so that links in earlier
// mails stay valid.
func devSecret(databaseURL string) string {
	sum := sha256.Sum256([]byte("backlist dev secret " + databaseURL[:strings.LastIndex(databaseURL, "@")+1]))
	return hex.EncodeToString(sum[:])
}

// dataFlag returns the flag --data as it was given, with a space before it.
func (p *program) dataFlag() string {
	if p.dataDir == "" {
		return ""
	}
	return " --data " + p.dataDir
}

// explain prints what runs and what to try. A test compares the names that it quotes with the site's menu.
func (p *program) explain(invented demo.Reader, logFile string) {
	data := p.dataFlag()
	enter := "go run ./cmd/backlist operator add EMAIL --role operator"
	if p.cfg.DatabaseURL == "" {
		enter = "sign in as " + invented.Email
	}
	fmt.Fprintf(p.Stdout, `
Backlist is running.

  The site       %[1]s
  An invented reader: sign in as %[2]s
                      with the password "%[3]s"
  The console    %[1]s/console (%[7]s)
  The lab        %[1]s/lab (experiments with jobs, on this very system)

Try: "Sign up", rate three books you know, and open "For you": the page answers at once, the list arrives when the
worker has made it. Mail goes to a slow mail server here (%[4]d ms each); read it under "Mailbox".

  SQL            go run ./cmd/backlist psql%[5]s
  Jobs           go run ./cmd/backlist jobs list%[5]s
  Logs           %[6]s

Ctrl-C stops everything.

`, p.cfg.BaseURL, invented.Email, demoPassword, sinkDelay.Milliseconds(), data, logFile, enter)
}
