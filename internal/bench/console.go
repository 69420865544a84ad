package bench

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"
)

const (
	fullSpeedConns = 8
	openPages      = 10
	cpuTurns       = 3
	// readiness is the baseline: a request to the same process that makes one small query.
	readiness = "/readyz"
)

// ConsoleRun is a run of bench console: a web process in a filled database, and an operator who looks.
type ConsoleRun struct {
	Size     SurfaceSize
	Pages    []string // to load, as ConsoleAddresses returns them
	Overview string   // the page that is kept open
	Loads    int      // of each page, with a warm cache
	Colds    int      // of each page, each after a restart of the server
	Jobs     int      // that are worked to learn the worker's peak; 0: no worker runs
	Conns    int      // of the worker
	For      time.Duration

	// Pool opens a pool whose sessions have no name, as the program's sessions have.
	Pool func(ctx context.Context) (*pgxpool.Pool, error)
	// Restart restarts the server; nil: it is not ours.
	Restart func(ctx context.Context) error
	// Web and Worker start a process.
	Web, Worker func(ctx context.Context) (*Process, error)
	// SignIn returns the session of an operator.
	SignIn func(ctx context.Context, pool *pgxpool.Pool, addr string) ([]*http.Cookie, error)
	// Process runs WorkOff in a separate process.
	Process func(ctx context.Context, s Setup) (Elapsed, error)
	Say     func(format string, args ...any)

	pool     *pgxpool.Pool
	web      *Process
	operator *operator
}

// ConsoleResult is what was measured in one database.
type ConsoleResult struct {
	Size     SurfaceSize   `json:"size"`
	Peak     float64       `json:"worker_peak_jobs_per_second"` // 0: no worker ran
	Backlog  int           `json:"backlog"`                     // jobs that the worker had not reached in the end
	Restarts bool          `json:"restarts"`                    // whether Cold was measured
	Baseline ConsolePage   `json:"baseline"`
	Pages    []ConsolePage `json:"pages"`
	CPU      Spread        `json:"open_pages_cpu_percent"` // of the machine; all 0 if the system does not report it
}

// ConsolePage is the result of a page.
type ConsolePage struct {
	Path      string      `json:"path"`
	P50       float64     `json:"p50_ms"`
	P95       float64     `json:"p95_ms"`
	P99       float64     `json:"p99_ms"`
	Loads     int         `json:"loads"`
	Late      int         `json:"late"`       // loads in which a panel lacked its rows
	Cold      Spread      `json:"cold_ms"`    // after a restart of the server and of the web process
	PerSecond float64     `json:"per_second"` // at full speed
	Wire      int         `json:"wire_bytes"`
	First     int         `json:"first_bytes"` // with all assets except uPlot
	Updates   Spread      `json:"update_bytes"`
	Panels    []PanelPlan `json:"panels"`
}

// Run measures everything in one filled database.
func (c *ConsoleRun) Run(ctx context.Context) (result ConsoleResult, err error) {
	result = ConsoleResult{Size: c.Size, Restarts: c.Restart != nil, Baseline: ConsolePage{Path: readiness}}
	for _, path := range c.Pages {
		result.Pages = append(result.Pages, ConsolePage{Path: path})
	}
	if c.pool, err = c.Pool(ctx); err != nil {
		return result, err
	}
	defer func() { c.pool.Close() }()
	if c.Jobs > 0 {
		if result.Peak, err = c.peak(ctx); err != nil {
			return result, err
		}
	}
	if c.web, err = c.Web(ctx); err != nil {
		return result, err
	}
	defer func() { err = errors.Join(err, c.web.Stop()) }()
	c.operator = &operator{addr: c.web.Addr, client: NewClient(fullSpeedConns)}
	if c.operator.cookies, err = c.SignIn(ctx, c.pool, c.web.Addr); err != nil {
		return result, err
	}
	if c.Restart != nil {
		if err := c.cold(ctx, result.Pages); err != nil {
			return result, err
		}
	}
	c.Say("explaining the panels, and loading the pages at full speed")
	if err := c.look(ctx, &result); err != nil {
		return result, err
	}
	site, err := siteOf(ctx, c.pool, c.web.PID())
	if err != nil {
		return result, err
	}
	err = c.loaded(ctx, result.Peak/2, func() error {
		c.Say("loading each page %d times", c.Loads)
		if err := c.warm(ctx, &result); err != nil {
			return err
		}
		c.Say("watching open pages")
		if err := c.open(ctx, result.Pages); err != nil {
			return err
		}
		if result.CPU, err = c.cpu(ctx, site); err != nil {
			return err
		}
		result.Backlog, err = backlog(ctx, c.pool)
		return err
	})
	return result, err
}

// peak returns how many jobs the worker does a second if it has the machine.
func (c *ConsoleRun) peak(ctx context.Context) (float64, error) {
	c.Say("measuring the worker's peak")
	t := Throughput{
		Rounds: 1, Jobs: c.Jobs, Conns: c.Conns, Process: c.Process,
		Variants: []Variant{{Name: "peak", Contender: Ours, Workload: NoOp, Finished: true}},
		Database: func(context.Context, string, bool) (*pgxpool.Pool, error) { return c.pool, nil },
	}
	cells, err := t.Run(ctx)
	if err != nil {
		return 0, err
	}
	return cells[0].PerSecond, nil
}

// cold loads each page first after a restart of the server and of the web process: with an empty cache of Postgres and sessions
// that have asked nothing. The system's cache of files stays.
func (c *ConsoleRun) cold(ctx context.Context, pages []ConsolePage) error {
	times := make([][]float64, len(pages))
	for round := range c.Colds {
		c.Say("loading each page after a restart, round %d", round+1)
		for i := range pages {
			if err := c.again(ctx); err != nil {
				return err
			}
			page, err := c.operator.get(ctx, pages[i].Path)
			if err != nil {
				return err
			}
			times[i] = append(times[i], Milliseconds(page.took))
		}
	}
	for i := range pages {
		pages[i].Cold = SpreadOf(times[i])
	}
	return nil
}

// again restarts the server and the web process.
func (c *ConsoleRun) again(ctx context.Context) (err error) {
	if err := c.web.Stop(); err != nil {
		return err
	}
	c.pool.Close()
	c.operator.client.CloseIdleConnections()
	if err := c.Restart(ctx); err != nil {
		return err
	}
	if c.pool, err = c.Pool(ctx); err != nil {
		return err
	}
	if c.web, err = c.Web(ctx); err != nil {
		return err
	}
	c.operator.addr = c.web.Addr
	_, err = c.operator.get(ctx, readiness)
	return err
}

// look measures the sizes of the pages, their panels and the full speed, before any worker runs.
func (c *ConsoleRun) look(ctx context.Context, result *ConsoleResult) error {
	fast := func(path string) (float64, error) {
		load := Run(ctx, fullSpeedConns, c.For/5, 0, func(ctx context.Context, _ int) error {
			_, err := c.operator.get(ctx, path)
			return err
		})
		return float64(len(load.Took)) / load.Elapsed.Seconds(), load.FirstError
	}
	var err error
	if result.Baseline.PerSecond, err = fast(readiness); err != nil {
		return err
	}
	for i := range result.Pages {
		p := &result.Pages[i]
		page, err := c.operator.get(ctx, p.Path)
		if err != nil {
			return err
		}
		assets, err := c.operator.assets(ctx, page)
		if err != nil {
			return err
		}
		p.Wire, p.First = page.wire, page.wire+assets
		if p.Panels, err = c.operator.panels(ctx, c.pool, page); err != nil {
			return err
		}
		if p.PerSecond, err = fast(p.Path); err != nil {
			return err
		}
	}
	return nil
}

// loaded runs fn while a worker does so many jobs a second; 0: there is no worker.
func (c *ConsoleRun) loaded(ctx context.Context, perSecond float64, fn func() error) (err error) {
	if perSecond == 0 {
		return fn()
	}
	worker, err := c.Worker(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, worker.Stop()) }()
	feeding, stop := context.WithCancel(ctx)
	defer stop()
	fed := make(chan error, 1)
	go func() { fed <- feed(feeding, c.pool, perSecond) }()
	err = sleepUntil(ctx, time.Now().Add(c.For/5)) // until it is in its stride
	if err == nil {
		err = fn()
	}
	stop()
	return errors.Join(err, <-fed)
}

// warm loads all pages in turn, so that a disturbance meets all of them, and the baseline.
func (c *ConsoleRun) warm(ctx context.Context, result *ConsoleResult) error {
	pages := []*ConsolePage{&result.Baseline}
	for i := range result.Pages {
		pages = append(pages, &result.Pages[i])
	}
	times := make([][]time.Duration, len(pages))
	for range c.Loads {
		for i, p := range pages {
			page, err := c.operator.get(ctx, p.Path)
			if err != nil {
				return err
			}
			times[i] = append(times[i], page.took)
			if page.late() {
				p.Late++
			}
		}
	}
	for i, p := range pages {
		slices.Sort(times[i])
		p.Loads = len(times[i])
		p.P50, p.P95, p.P99 = Milliseconds(Percentile(times[i], 0.5)), Milliseconds(Percentile(times[i], 0.95)), Milliseconds(Percentile(times[i], 0.99))
	}
	return nil
}

// open keeps all pages open at once, and measures what their streams send.
func (c *ConsoleRun) open(ctx context.Context, pages []ConsolePage) error {
	var group errgroup.Group
	for i := range pages {
		group.Go(func() error {
			sizes, err := c.operator.updates(ctx, pages[i].Path, c.For)
			pages[i].Updates = SpreadOf(sizes)
			return err
		})
	}
	return group.Wait()
}

// cpu returns what open overviews cost, in percent of the machine, as the difference to a time without.
func (c *ConsoleRun) cpu(ctx context.Context, site siteCPU) (Spread, error) {
	if _, err := site.used(); err != nil {
		return Spread{}, nil // a remote server, or not Linux
	}
	wait := func() error { return sleepUntil(ctx, time.Now().Add(c.For)) }
	var costs []float64
	for range cpuTurns {
		without, err := site.share(wait)
		if err != nil {
			return Spread{}, err
		}
		var with float64
		err = c.operator.watched(ctx, c.Overview, openPages, func() (err error) {
			with, err = site.share(wait)
			return err
		})
		if err != nil {
			return Spread{}, err
		}
		costs = append(costs, with-without)
	}
	return SpreadOf(costs), nil
}
