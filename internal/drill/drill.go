// Package drill breaks the job system on purpose and counts what is left. It injects real faults into real processes on a
// private Postgres, and reconciles what was promised with what happened: each request that was acknowledged has its
// effect exactly once, any other at most once. Effects are plain inserts into a ledger that has no unique key, so that
// nothing but the job system itself keeps them from being doubled.
package drill

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Config says what to break, and how to get at it.
type Config struct {
	Postgres Postgres
	Program  []string // starts a process of the drill (Serve) when a role, as JSON, is appended
	Dir      string   // for the processes' logs
	Only     []string // names of scenarios; none: all
	Jobs     int      // of the scenario kill; others have fixed shares of it
	Kills    int      // of the scenario kill
	Short    bool     // a small selection of small scenarios
	NoFence  bool     // run the workload without the fence, which must show doubles
	Say      func(format string, args ...any)
}

// ErrLacking says that a fault cannot be injected on this machine. The report names what is lacking.
var ErrLacking = errors.New("this machine lacks what it takes")

// Postgres is a private server that may be broken.
type Postgres struct {
	URL   string                                            // of a superuser
	Crash func() error                                      // ends it at once, as when the machine loses power
	Start func(ctx context.Context) (url string, err error) // starts it again, perhaps at another address
	// Shifted runs a second server whose clock is off. Its error may be ErrLacking.
	Shifted func(ctx context.Context, by time.Duration) (url string, stop func() error, err error)
}

// scenario is one kind of fault.
type scenario struct {
	name  string
	short bool // part of the short form
	run   func(ctx context.Context, s *stage) error
}

func scenarios(noFence bool) []scenario {
	if noFence {
		return []scenario{{"kill", true, kill}, {"zombie", false, zombie}}
	}
	return []scenario{
		{"kill", true, kill},
		{"zombie", false, zombie},
		{"rolling", false, rolling},
		{"storm", true, storm},
		{"vanish", false, vanish},
		{"wire", false, wire},
		{"pool", false, pool},
		{"hog", false, hog},
		{"locked", false, locked},
		{"clock", false, clock},
		{"poison", true, poison},
		{"refused", false, refused},
		{"scale", false, scale},
		{"older", false, older},
		{"restart", true, restart}, // last: nobody is declared dead for a while after it
	}
}

// Names lists the scenarios in the order of a full drill.
func Names() (names []string) {
	for _, s := range scenarios(false) {
		names = append(names, s.name)
	}
	return names
}

// Run drills and reports. It returns an error if it could not drill; what the drill found is in the report, and Sound
// says whether that is good. However it ends, no process, network or proxy of it is left.
func Run(ctx context.Context, cfg Config) (*Report, error) {
	for _, name := range cfg.Only {
		if !slices.Contains(Names(), name) {
			return nil, fmt.Errorf("there is no scenario %q; there are: %s", name, strings.Join(Names(), ", "))
		}
	}
	r := &run{Config: cfg, url: cfg.Postgres.URL}
	if err := r.makeTemplate(ctx); err != nil {
		return nil, err
	}
	report := &Report{NoFence: cfg.NoFence}
	for _, sc := range scenarios(cfg.NoFence) {
		if len(cfg.Only) > 0 && !slices.Contains(cfg.Only, sc.name) || len(cfg.Only) == 0 && cfg.Short && !sc.short {
			continue
		}
		began := time.Now()
		cfg.Say("%s …", sc.name)
		result, err := r.play(ctx, sc)
		if ctx.Err() != nil {
			return report, errors.New("broken off")
		}
		switch {
		case errors.Is(err, ErrLacking):
			result.Skipped = err.Error()
		case err != nil:
			result.fail("the drill itself failed: %v", err)
		}
		result.Seconds = time.Since(began).Round(100 * time.Millisecond).Seconds()
		report.Results = append(report.Results, result)
		cfg.Say("%s: %s, %.0f s", sc.name, result.Verdict(), result.Seconds)
	}
	return report, nil
}

// run is what the scenarios of one drill share.
type run struct {
	Config
	url string // of the server now
}

// play runs one scenario on a stage of its own.
func (r *run) play(ctx context.Context, sc scenario) (*Result, error) {
	s, err := r.newStage(ctx, sc.name)
	if err != nil {
		return &Result{Scenario: sc.name}, err
	}
	defer s.close()
	return s.result, sc.run(ctx, s)
}
