package work

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/postgres"
)

// Process configures a worker process: its jobs, and its connections to the database. URL, Jobs and the Options' Schema and
// Log must be set.
type Process struct {
	Options // without Workers, which Jobs returns

	URL   string         // of the database
	Share postgres.Share // of its connections; the zero value follows from the server's limit
	// Jobs returns the kinds that the process works. pool has the connections for its jobs.
	Jobs func(pool *pgxpool.Pool) (*Workers, error)
	// Beside runs beside the jobs until ctx ends, with their connections; may be nil.
	Beside  func(ctx context.Context, pool *pgxpool.Pool)
	Guest   bool            // other parts share this process: its garbage collector is left as it is
	Started func(id string) // called with the worker's name before it takes its first job; may be nil
	Ready   func()          // called once it takes jobs; may be nil
}

// Run runs a worker process until ctx ends, and stops it in order: see Worker.Run. The program's commands, benchmarks and
// drills all run workers by it, so that they measure and drill the process that runs in production. While it runs, the
// garbage collector is tuned by Tune, unless it is a guest.
func Run(ctx context.Context, p Process) error {
	if !p.Guest {
		defer Tune()()
	}
	pools, err := p.open(ctx)
	if err != nil {
		return unlessEnded(ctx, err)
	}
	defer pools.close()
	if p.Workers, err = p.Jobs(pools.jobs); err != nil {
		return err
	}
	p.Options.Jobs = pools.jobs
	w, err := NewWorker(pools.own, p.Options)
	if err != nil {
		return fmt.Errorf("job client: %w", err)
	}
	if p.Started != nil {
		p.Started(w.ID())
	}
	if p.Beside != nil {
		defer background(ctx, func(ctx context.Context) { p.Beside(ctx, pools.jobs) })()
	}
	stopping := context.AfterFunc(ctx, func() { p.Log.InfoContext(ctx, "worker is stopping") })
	defer stopping()
	return w.Run(ctx, func() {
		p.Log.InfoContext(ctx, "worker is ready", "id", w.ID(), "slots", w.Slots(), "pool", pools.size())
		if p.Ready != nil {
			p.Ready()
		}
	})
}

// processPools are the two pools into which a worker process divides its connections. The worker has a pool of its own, so that
// slow queries of jobs cannot starve it. In addition it holds one connection for notices and heartbeats.
type processPools struct{ jobs, own *pgxpool.Pool }

// errPooler is returned because behind such a pooler notices would not arrive and session locks would not hold.
var errPooler = errors.New("a pooler stands before the database and refuses startup parameters: " +
	"give workers a direct connection, or set WORKER_POLL_ONLY=yes")

// open connects to the database and divides the process's share of its connections.
func (p Process) open(ctx context.Context) (pools processPools, err error) {
	url := p.URL
	if p.PollOnly {
		if url, err = postgres.ThroughPooler(url); err != nil {
			return pools, err
		}
	}
	cfg, err := postgres.Reach(ctx, p.Log, url, p.Share)
	if err != nil {
		return pools, err
	}
	if !p.PollOnly && postgres.RefusedSettings(url, cfg) {
		return pools, errPooler
	}
	own := cfg.Copy()
	own.MaxConns = max(1, cfg.MaxConns/4)
	boundLocks(own)
	cfg.MaxConns = max(1, cfg.MaxConns-own.MaxConns)
	if pools.jobs, err = pgxpool.NewWithConfig(ctx, cfg); err != nil {
		return pools, err
	}
	if pools.own, err = pgxpool.NewWithConfig(ctx, own); err != nil {
		pools.jobs.Close()
	}
	return pools, err
}

// boundLocks makes the worker's own connections wait at most a second for locks. Otherwise River's statements and the heartbeat
// would wait for one row that an operator has locked, and all jobs with them. A pooler that refused lock_timeout at the start
// is not asked for it again.
func boundLocks(cfg *pgxpool.Config) {
	if _, direct := cfg.ConnConfig.RuntimeParams["lock_timeout"]; direct {
		cfg.ConnConfig.RuntimeParams["lock_timeout"] = "1s"
	}
}

func (p processPools) size() int32 { return p.jobs.Config().MaxConns + p.own.Config().MaxConns }

// close closes both pools, but does not wait for connections that jobs hold although their contexts have ended: those jobs
// were handed back, and the platform kills a process that takes too long.
func (p processPools) close() {
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		p.jobs.Close()
	}()
	p.own.Close()
	select {
	case <-closed:
	case <-time.After(time.Second):
	}
}
