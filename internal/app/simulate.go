package app

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/backlist/backlist/internal/scale/plan"
	"github.com/backlist/backlist/internal/scale/simulate"
)

// simulating is the command simulate and its flags.
type simulating struct {
	load    string
	trace   string
	all     bool
	seeds   int
	days    float64
	maxWait time.Duration
	min     int
	max     int
	slots   int
	json    bool
	plot    string
}

func simulateCommand() command {
	s := &simulating{}
	return command{name: "simulate", short: "replay a load against the planner of worker processes and models of others", flags: s.flags, run: s.run}
}

func (s *simulating) flags(f *flag.FlagSet) {
	f.Var((*word)(&s.load), "load", "generate this `load`: "+strings.Join(simulate.Names(), ", ")+" (default daily)")
	f.Var((*word)(&s.trace), "trace", "replay this CSV `file`: columns at,run or at,run,kind (jobs), or at,rate or at,rate,run (rates)")
	f.BoolVar(&s.all, "all", false, "generate all loads, one after another")
	f.IntVar(&s.seeds, "seeds", 1, "repeat with this `number` of seeds, and print medians and ranges")
	f.Float64Var(&s.days, "days", 0, "cut loads to this number of `days`")
	f.DurationVar(&s.maxWait, "max-wait", 0, "the longest `wait` to plan for (default 30s)")
	f.IntVar(&s.min, "min", -1, "the smallest number of `workers` (default of the load)")
	f.IntVar(&s.max, "max", 0, "the largest number of `workers` (default 20)")
	f.IntVar(&s.slots, "slots", 0, "jobs that a worker `runs` at once (default 5)")
	f.BoolVar(&s.json, "json", false, "print JSON")
	f.Var((*word)(&s.plot), "plot", "write a plot of workers, ready jobs and waits to this SVG `file`")
}

func (s *simulating) run(ctx context.Context, p *program, _ []string) error {
	if err := s.check(); err != nil {
		return err
	}
	names := []string{s.load}
	switch {
	case s.all:
		names = simulate.Names()
	case s.trace != "":
		names = []string{"trace"}
	case s.load == "":
		names = []string{"daily"}
	}
	var loads [][]simulate.Summary
	var abouts []string
	for _, name := range names {
		first, err := s.generate(name, 1)
		if err != nil {
			return err
		}
		begun := time.Now()
		summaries, err := simulate.Compare(ctx, func(seed uint64) *simulate.Load {
			if l, err := s.generate(name, seed); seed > 1 && err == nil {
				return l
			}
			return first
		}, simulate.Policies(), s.seeds)
		if err != nil {
			return err
		}
		if len(names) > 1 {
			p.say("%s took %.1f s", name, time.Since(begun).Seconds())
		}
		loads, abouts = append(loads, summaries), append(abouts, first.About)
		if s.plot != "" {
			if err := s.draw(first); err != nil {
				return err
			}
		}
	}
	if s.json {
		return p.printJSON(loads)
	}
	return simulate.Print(p.Stdout, loads, abouts)
}

// check refuses flags that do not fit each other.
func (s *simulating) check() error {
	switch {
	case s.all && (s.load != "" || s.trace != "") || s.load != "" && s.trace != "":
		return usageError("use one of --load, --trace and --all")
	case s.all && s.plot != "":
		return usageError("--plot draws one load: name it with --load or --trace")
	case s.load != "" && !slices.Contains(simulate.Names(), s.load):
		return usageError("no load is called %q; the loads are %s", s.load, strings.Join(simulate.Names(), ", "))
	case s.seeds < 1 || s.seeds > 1000:
		return usageError("seeds must be between 1 and 1000")
	case !(s.days >= 0 && s.days <= 31): // NaN too
		return usageError("days must be between 0 and 31")
	case s.slots < 0 || s.slots > 10_000:
		return usageError("slots must be between 1 and 10000")
	case s.max < 0 || s.max > 1000:
		return usageError("max must be between 1 and 1000")
	}
	return nil
}

// generate returns the load of a name with what the flags change.
func (s *simulating) generate(name string, seed uint64) (*simulate.Load, error) {
	l, err := s.read(name, seed)
	if err != nil {
		return nil, err
	}
	if s.maxWait != 0 {
		l.MaxWait = s.maxWait
	}
	if s.min >= 0 {
		l.Min = s.min
	}
	if s.max != 0 {
		l.Max = s.max
	}
	if s.slots > 0 {
		l.Slots = s.slots
	}
	l.Start = min(max(l.Start, l.Min), l.Max)
	if problem := (plan.Target{MaxWait: l.MaxWait, Min: l.Min, Max: l.Max}).Check(0); problem != "" {
		return nil, &exitError{2, errors.New(problem)}
	}
	return l, nil
}

func (s *simulating) read(name string, seed uint64) (*simulate.Load, error) {
	if s.trace == "" {
		l, ok := simulate.Generate(name, seed, s.days)
		if !ok {
			return nil, usageError("no load is called %q", name)
		}
		return l, nil
	}
	file, err := os.Open(s.trace)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	l, err := simulate.ReadTrace(io.LimitReader(file, 1<<30), seed)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.trace, err)
	}
	return l, nil
}

// draw writes the plot of a load.
func (s *simulating) draw(l *simulate.Load) error {
	var results []simulate.Result
	for _, p := range simulate.Policies() {
		if p.Drawn {
			results = append(results, simulate.Run(l, p, 1, true))
		}
	}
	file, err := os.Create(s.plot)
	if err != nil {
		return err
	}
	return errors.Join(simulate.Plot(file, l, results), file.Close())
}
