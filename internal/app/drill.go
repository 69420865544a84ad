package app

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/backlist/backlist/internal/drill"
	"github.com/backlist/backlist/internal/pglocal"
)

// drilling is the command drill and its flags.
type drilling struct {
	only    string
	jobs    int
	kills   int
	short   bool
	noFence bool
	json    bool
	process string // set in the drill's own processes
}

func drillCommand() command {
	d := &drilling{}
	return command{name: "drill", short: "break the job system on a private Postgres, and count lost and doubled work", flags: d.flags, run: d.run}
}

func (d *drilling) flags(f *flag.FlagSet) {
	f.Var((*word)(&d.only), "only", "`scenarios` to run, separated by commas: "+strings.Join(drill.Names(), ", "))
	f.IntVar(&d.jobs, "jobs", 20_000, "`jobs` of the scenario kill")
	f.IntVar(&d.kills, "kills", 50, "`SIGKILLs` of the scenario kill")
	f.BoolVar(&d.short, "short", false, "run only a few small scenarios, for half a minute")
	f.BoolVar(&d.noFence, "no-fence", false, "run without the fence: the drill must then find doubled work, or it proves nothing")
	f.BoolVar(&d.json, "json", false, "print everything as JSON")
	f.StringVar(&d.process, "process", "", "run one of the drill's `processes`; drill starts them itself")
}

// run breaks a private Postgres and real processes of this program, and reports lost and doubled work.
func (d *drilling) run(ctx context.Context, p *program, _ []string) (err error) {
	if d.process != "" {
		return p.drillProcess(ctx, d.process)
	}
	if d.jobs < 1 || d.kills < 1 {
		return usageError("jobs and kills must be above zero")
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	dir := p.dataDir
	if dir == "" {
		if dir, err = pglocal.DefaultDir("", "drill-"+rand.Text()[:8]); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	}
	server := &drillServer{dir: filepath.Join(dir, "postgres"), self: self, log: newLogger(p.Stderr, p.cfg)}
	cfg := drill.Config{
		Program: []string{self, "drill", "--process"}, Dir: filepath.Join(dir, "logs-"+time.Now().UTC().Format("20060102T150405")),
		Jobs: d.jobs, Kills: d.kills, Short: d.short, NoFence: d.noFence,
		Say: p.say,
	}
	if d.only != "" {
		cfg.Only = strings.Split(d.only, ",")
		for _, name := range cfg.Only {
			if !slices.Contains(drill.Names(), name) {
				return usageError("no scenario is called %q; the scenarios are %s", name, strings.Join(drill.Names(), ", "))
			}
		}
	}
	if d.short {
		cfg.Jobs, cfg.Kills = min(cfg.Jobs, 600), min(cfg.Kills, 3)
	}
	url, err := server.start(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.stop()) }()
	cfg.Postgres = drill.Postgres{URL: url, Crash: server.crash, Start: server.start, Shifted: server.shifted}
	report, err := drill.Run(ctx, cfg)
	if err != nil {
		return err
	}
	write := report.Print
	if d.json {
		write = report.JSON
	}
	if p.dataDir != "" {
		fmt.Fprintln(p.Stderr, "the data and the logs are in", dir)
	}
	return errors.Join(write(p.Stdout), report.Sound())
}
