// Package drill breaks the job system on purpose and checks its promises. It injects real faults into real processes on
// a private Postgres, and reconciles requests with effects: each acknowledged request has its effect exactly once, any
// other at most once. Effects are plain inserts into a ledger without a unique key, so that only the job system
// prevents doubled effects.
package drill

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Config configures a drill.
type Config struct {
	Postgres Postgres
	Program  []string // command that runs Serve; a role, as JSON, is appended
	Dir      string   // for the processes' logs
	Only     []string // names of scenarios; empty: all
	Jobs     int      // of the scenario kill; the others have fixed shares of it
	Kills    int      // of the scenario kill
	Short    bool     // a small selection of small scenarios
	NoFence  bool     // run the workload without the fence, which must cause doubled effects
	Say      func(format string, args ...any)
}

// ErrLacking means that a fault cannot be injected on this machine. The report names what is missing.
var ErrLacking = errors.New("missing requirement")

// Postgres is a private server that may be broken.
type Postgres struct {
	URL   string                                            // of a superuser
	Crash func() error                                      // stops it immediately, as in a power cut
	Start func(ctx context.Context) (url string, err error) // starts it again, possibly at another address
	// Shifted runs a second server with a shifted clock. Its error may be ErrLacking.
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
		{"restart", true, restart}, // last, because no worker is declared dead for a while after it
	}
}

// Names lists the scenarios in the order of a full drill.
func Names() (names []string) {
	for _, s := range scenarios(false) {
		names = append(names, s.name)
	}
	return names
}

// Run runs the drill and returns its report. It returns an error if the drill could not run; faults of the job system
// are in the report (see Sound). In any case it leaves no process, network or proxy behind.
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
			return report, errors.New("interrupted")
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

// run is the state that the scenarios of one drill share.
type run struct {
	Config
	url string // of the server, which can change
}

// play runs one scenario on its own stage.
func (r *run) play(ctx context.Context, sc scenario) (*Result, error) {
	s, err := r.newStage(ctx, sc.name)
	if err != nil {
		return &Result{Scenario: sc.name}, err
	}
	defer s.close()
	return s.result, sc.run(ctx, s)
}
