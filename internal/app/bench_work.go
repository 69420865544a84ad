package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"github.com/backlist/backlist/db"
	"github.com/backlist/backlist/internal/bench"
	"github.com/backlist/backlist/internal/postgres"
)

// benchWork is the command bench work and its flags.
type benchWork struct {
	rounds, jobs, finished, conns int
	only                          string
	snapshot, json                bool
	setup                         string // set in the processes that are measured
}

func benchWorkCommand() command {
	b := &benchWork{}
	return command{
		name: "bench work", short: "measure the throughput of workers, beside plain River", flags: b.flags, run: b.run,
	}
}

func (b *benchWork) flags(f *flag.FlagSet) {
	f.IntVar(&b.rounds, "rounds", 3, "`rounds` of each variant")
	f.IntVar(&b.jobs, "jobs", 100_000, "`jobs` queued at the beginning of a round")
	f.IntVar(&b.finished, "finished", 5_000_000, "finished `jobs` beside them, in the rounds that measure those; 0: leave these rounds out")
	f.IntVar(&b.conns, "connections", 16, "database `connections` of each contender")
	f.StringVar(&b.only, "only", "", "run only the variants whose names match this regular `expression`")
	f.BoolVar(&b.snapshot, "snapshot", false, "also measure while a snapshot is held open for the whole turn")
	f.BoolVar(&b.json, "json", false, "print everything as JSON")
	f.StringVar(&b.setup, "setup", "", "run one of the measured processes; bench starts them itself with a `description`")
}

// run measures the throughput of three contenders: plain River with its defaults, plain River tuned, and our workers with
// everything on.
func (b *benchWork) run(ctx context.Context, p *program, _ []string) (err error) {
	if b.setup != "" {
		return b.runSetup(ctx, p.Stdout)
	}
	if b.rounds < 1 || b.jobs < 100 || b.finished < 0 || b.conns < 4 {
		return usageError("rounds must be above zero, jobs at least 100, connections at least 4")
	}
	only, err := regexp.Compile(b.only)
	if err != nil {
		return usageError("only: %v", err)
	}
	variants := bench.WorkVariants(b.finished > 0, b.snapshot, only)
	if len(variants) == 0 {
		return usageError("no variant matches %q", b.only)
	}
	dbs := &workDatabases{program: p, finished: b.finished, pools: map[string]*pgxpool.Pool{}}
	defer func() { err = errors.Join(err, dbs.drop()) }()
	t := bench.Throughput{
		Rounds: b.rounds, Jobs: b.jobs, Finished: b.finished, Conns: b.conns, Variants: variants,
		Database: dbs.get, Process: runSetupElsewhere,
		Done: func(c bench.WorkCell) {
			p.say("round %d: %s: %.0f jobs/s", c.Round, c.Variant, c.PerSecond)
		},
	}
	cells, err := t.Run(ctx)
	if ctx.Err() != nil {
		return errInterrupted
	}
	if err != nil {
		return err
	}
	machine, err := dbs.machine(ctx)
	if err != nil {
		return err
	}
	report := bench.NewWorkReport(machine, t, cells)
	if b.json {
		return p.printJSON(report)
	}
	return report.Print(p.Stdout)
}

// runSetup runs one of the measured processes, which prints its times as JSON.
func (b *benchWork) runSetup(ctx context.Context, out io.Writer) error {
	var s bench.Setup
	if err := json.Unmarshal([]byte(b.setup), &s); err != nil {
		return fmt.Errorf("setup: %w", err)
	}
	took, err := bench.WorkOff(ctx, s)
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(took)
}

// runSetupElsewhere runs runSetup in a process of its own.
func runSetupElsewhere(ctx context.Context, s bench.Setup) (took bench.Elapsed, err error) {
	self, err := os.Executable()
	if err != nil {
		return took, err
	}
	setup, err := json.Marshal(s)
	if err != nil {
		return took, err
	}
	var out, log bytes.Buffer
	cmd := exec.CommandContext(ctx, self, "bench", "work", "--setup", string(setup))
	cmd.Stdout, cmd.Stderr = &out, &log
	if err := cmd.Run(); err != nil {
		return took, fmt.Errorf("%w: %s", err, log.String())
	}
	return took, json.Unmarshal(out.Bytes(), &took)
}

// benchEffect creates the table that jobs with an effect write to.
const benchEffect = "create table bench_effect (job_id bigint not null, at timestamptz not null default now())"

// workDatabases are the databases of a run: plain River's and ours, each empty or with finished jobs.
type workDatabases struct {
	*program
	finished int // jobs in each database that has some
	pools    map[string]*pgxpool.Pool
	drops    []func() error
}

func (d *workDatabases) get(ctx context.Context, contender string, finished bool) (*pgxpool.Pool, error) {
	ours := strings.HasPrefix(contender, bench.Ours)
	own := contender == bench.OursRiversIndexes // a database of its own
	key := fmt.Sprint(ours, own, finished)
	if pool := d.pools[key]; pool != nil {
		return pool, nil
	}
	url, drop, err := d.benchDatabase(ctx)
	if err != nil {
		return nil, err
	}
	d.drops = append(d.drops, drop)
	pool, err := postgres.Open(ctx, url, postgres.Share{Size: 2})
	if err != nil {
		return nil, err
	}
	d.pools[key] = pool
	if err := migrateFor(ctx, pool, ours); err != nil {
		return nil, err
	}
	if own {
		if _, err := pool.Exec(ctx, bench.RiversIndexes); err != nil {
			return nil, fmt.Errorf("restore indexes: %w", err)
		}
	}
	if _, err := pool.Exec(ctx, benchEffect); err != nil {
		return nil, err
	}
	if finished {
		d.say("putting %d finished jobs into the table of %s", d.finished, contender)
		if err := bench.FillFinished(ctx, pool, d.finished); err != nil {
			return nil, fmt.Errorf("finished jobs: %w", err)
		}
	}
	return pool, nil
}

// machine describes the server of our database.
func (d *workDatabases) machine(ctx context.Context) (bench.Machine, error) {
	pool, err := d.get(ctx, bench.Ours, false)
	if err != nil {
		return bench.Machine{}, err
	}
	return bench.MachineOf(ctx, pool)
}

// migrateFor creates our tables, or only River's.
func migrateFor(ctx context.Context, pool *pgxpool.Pool, ours bool) error {
	quiet := slog.New(slog.DiscardHandler)
	if ours {
		return db.Migrate(ctx, pool, quiet)
	}
	if _, err := pool.Exec(ctx, "create schema "+db.RiverSchema); err != nil {
		return err
	}
	m, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Schema: db.RiverSchema, Logger: quiet})
	if err != nil {
		return err
	}
	_, err = m.Migrate(ctx, rivermigrate.DirectionUp, nil)
	return err
}

func (d *workDatabases) drop() error {
	var errs []error
	for _, pool := range d.pools {
		pool.Close()
	}
	for _, drop := range d.drops {
		errs = append(errs, drop())
	}
	return errors.Join(errs...)
}
