package app

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/bench"
	"github.com/backlist/backlist/internal/console"
	"github.com/backlist/backlist/internal/formation"
	"github.com/backlist/backlist/internal/postgres"
	"github.com/backlist/backlist/internal/reader"
	view "github.com/backlist/backlist/views/console"
)

// benchConsole is the command bench console and its flags.
type benchConsole struct {
	loads, colds, finished, waiting, failed, jobs, conns int
	seconds                                              float64
	large, json                                          bool
	process                                              string // set in the processes that are measured
}

func benchConsoleCommand() command {
	b := &benchConsole{}
	return command{name: "bench console", short: "measure the pages of the console beside a busy worker", flags: b.flags, run: b.run}
}

func (b *benchConsole) flags(f *flag.FlagSet) {
	f.IntVar(&b.loads, "loads", 200, "`loads` of each page with a warm cache")
	f.IntVar(&b.colds, "colds", 3, "`loads` of each page with a cold cache; each restarts the private Postgres")
	f.IntVar(&b.finished, "finished", 1_000_000, "finished `jobs` in the table")
	f.IntVar(&b.waiting, "waiting", 10_000, "`jobs` that wait")
	f.IntVar(&b.failed, "failed", 10_000, "`jobs` that failed")
	f.IntVar(&b.jobs, "jobs", 100_000, "`jobs` that are worked to learn the worker's peak, of which it then gets half; 0: no worker")
	f.IntVar(&b.conns, "connections", 16, "database `connections` of the worker")
	f.Float64Var(&b.seconds, "seconds", 10, "for how many `seconds` to watch open pages")
	f.BoolVar(&b.large, "large", false, "measure Overview, Jobs and Errors at five million jobs too")
	f.BoolVar(&b.json, "json", false, "print everything, with the plans of all panels, as JSON")
	f.StringVar(&b.process, "process", "", "run one of the measured `processes`; bench starts them itself")
}

// largeSize is the number of finished jobs with --large.
const largeSize = 5_000_000

// run measures every page of the console as an operator's browser gets it from a web process.
func (b *benchConsole) run(ctx context.Context, p *program, _ []string) error {
	if b.process != "" {
		return b.serve(ctx, p)
	}
	if b.loads < 1 || b.colds < 0 || b.finished < 1 || b.waiting < 1 || b.failed < 10 || b.jobs < 0 || b.conns < 4 || !isSpan(b.seconds) {
		return usageError("loads, finished, waiting and seconds (a day at most) must be above zero, failed and connections at least 10 and 4")
	}
	machine, result, err := b.measure(ctx, p, b.finished, console.Patterns())
	results := []bench.ConsoleResult{result}
	if b.large && err == nil {
		patterns := slices.DeleteFunc(console.Patterns(), func(pattern string) bool {
			return pattern != "/" && pattern != "/jobs" && !strings.HasPrefix(pattern, "/errors")
		})
		_, result, err = b.measure(ctx, p, largeSize, patterns)
		results = append(results, result)
	}
	if ctx.Err() != nil {
		return errInterrupted
	}
	if err != nil {
		return err
	}
	report := bench.NewConsoleReport(machine, b.conns, results)
	if b.json {
		return p.printJSON(report)
	}
	return report.Print(p.Stdout)
}

// measure measures the pages in a database with so many finished jobs.
func (b *benchConsole) measure(ctx context.Context, p *program, finished int, patterns []string) (m bench.Machine, result bench.ConsoleResult, err error) {
	size := bench.SurfaceSize{Finished: finished, Waiting: b.waiting, Failed: b.failed}
	pages, err := bench.ConsoleAddresses(view.Root, patterns, size)
	if err != nil {
		return m, result, err
	}
	server, err := p.openBenchServer(ctx)
	if err != nil {
		return m, result, err
	}
	defer func() { err = errors.Join(err, server.drop()) }()
	if m, err = b.fill(ctx, p, server, size); err != nil {
		return m, result, err
	}
	dir, err := os.MkdirTemp("", "backlist-bench-")
	if err != nil {
		return m, result, err
	}
	defer os.RemoveAll(dir)
	process := func(name string) func(context.Context) (*bench.Process, error) {
		return func(ctx context.Context) (*bench.Process, error) {
			self, err := os.Executable()
			if err != nil {
				return nil, err
			}
			env := []string{
				"DATABASE_URL=" + server.database, "SECRET_KEY=only for a measurement", "BASE_URL=https://backlist.example", "DYNO=bench.1", "LOG_FORMAT=logfmt",
			}
			return bench.Start(ctx, filepath.Join(dir, name+".log"), env, self, "bench", "console", "--connections", fmt.Sprint(b.conns), "--process", name)
		}
	}
	run := bench.ConsoleRun{
		Size: size, Pages: pages, Overview: view.Root, Loads: b.loads, Colds: b.colds, Jobs: b.jobs, Conns: b.conns, For: seconds(b.seconds),
		// With the settings of the console's own pool: the plans are to be those of its pages.
		Pool: func(ctx context.Context) (*pgxpool.Pool, error) {
			return postgres.Open(ctx, server.database, postgres.Share{Size: 4})
		},
		Web: process("web"), Worker: process("worker"), SignIn: p.signInOperator, Process: runSetupElsewhere, Say: p.say,
	}
	if server.exclusive() && b.colds > 0 {
		run.Restart = server.restart
	}
	result, err = run.Run(ctx)
	return m, result, err
}

// fill fills the database, and describes its server.
func (b *benchConsole) fill(ctx context.Context, p *program, server *benchServer, size bench.SurfaceSize) (m bench.Machine, err error) {
	pool, err := pgxpool.New(ctx, server.database)
	if err != nil {
		return m, err
	}
	defer pool.Close()
	if err := migrateFor(ctx, pool, true); err != nil {
		return m, err
	}
	if _, err := pool.Exec(ctx, benchEffect); err != nil {
		return m, err
	}
	p.say("filling the tables: %d finished jobs, %d that wait, %d that failed, and their history", size.Finished, size.Waiting, size.Failed)
	if err := bench.FillSurface(ctx, pool, size); err != nil {
		return m, err
	}
	return bench.MachineOf(ctx, pool)
}

// signInOperator makes an account with a role, and signs it in.
func (p *program) signInOperator(ctx context.Context, pool *pgxpool.Pool, addr string) ([]*http.Cookie, error) {
	const email, password = "operator@backlist.example", "only for a measurement"
	hash, err := reader.NewHasher().Hash(ctx, password)
	if err != nil {
		return nil, err
	}
	err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "insert into reader (name, email, email_key, password_hash) values ('Operator', $1, $1, $2)", email, hash)
		if err != nil {
			return err
		}
		_, err = reader.AddOperator(ctx, tx, email, reader.RoleOperator, "bench console")
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("make an operator: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+addr+"/signin",
		strings.NewReader(url.Values{"email": {email}, "password": {password}}.Encode()))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := bench.NewClient(1).Do(r)
	if err != nil {
		return nil, err
	}
	if err := bench.Drain(resp); err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusSeeOther || len(resp.Cookies()) == 0 {
		return nil, fmt.Errorf("the sign-in was answered %s, without a session", resp.Status)
	}
	return resp.Cookies(), nil
}

// serve runs one of the processes: the product's web process, or a worker whose jobs do nothing.
func (b *benchConsole) serve(ctx context.Context, p *program) error {
	ctx, cancel := formation.Attached(ctx, p.Stdin)
	defer cancel()
	if b.process == "worker" {
		s := bench.Setup{Contender: bench.Ours, Workload: bench.NoOp, URL: p.cfg.DatabaseURL, Conns: b.conns}
		return bench.KeepWorking(ctx, s, func() { fmt.Fprintln(p.Stdout, b.process) })
	}
	return p.serveMeasured(ctx, newLogger(p.Stderr, p.cfg))
}

// serveMeasured runs the product's web process on a free port, and prints its address.
func (p *program) serveMeasured(ctx context.Context, log *slog.Logger) error {
	listener, err := listen("127.0.0.1", 0)
	if err != nil {
		return err
	}
	p.limitMemory()
	return p.serve(ctx, log, p.cfg.DatabaseURL, listener, func() { fmt.Fprintln(p.Stdout, listener.Addr()) })
}
