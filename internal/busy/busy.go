package busy

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"github.com/backlist/backlist/db"
	"github.com/backlist/backlist/internal/postgres"
	"github.com/backlist/backlist/internal/work"
	"github.com/backlist/backlist/internal/work/record"
)

// Config configures the load. URL, Program, Log and Output must be set. Zero times stand for the defaults.
type Config struct {
	URL     string   // of the database
	Program []string // runs a worker process if the text of its role is added: see Serve
	Log     *slog.Logger
	Output  io.Writer // of the worker processes' logs
	Ready   func()    // called once every state is set up; may be nil

	Fill        int           // quick jobs at the start; 0: 2000
	DeadlyAfter time.Duration // until a job kills its workers; 0: 30 s
	KillEvery   time.Duration // between two deaths of a worker; 0: 90 s
	DeployAfter time.Duration // until the newer release breaks a kind; 0: 2 min
}

// load is a running load.
type load struct {
	Config
	pool     *pgxpool.Pool
	jobs     *work.Client
	requests *record.Requests
	orders   int64 // number of orders so far

	main, dying, drained *post
}

// Run removes what an earlier load has left, invents a past, and runs the load until ctx ends. Then it stops its processes and
// removes everything that it has written, apart from the audit log.
func Run(ctx context.Context, cfg Config) (err error) {
	cfg.Fill = cmp.Or(cfg.Fill, 2000)
	cfg.DeadlyAfter = cmp.Or(cfg.DeadlyAfter, 30*time.Second)
	cfg.KillEvery = cmp.Or(cfg.KillEvery, 90*time.Second)
	cfg.DeployAfter = cmp.Or(cfg.DeployAfter, 2*time.Minute)
	l := &load{Config: cfg}
	if err := l.open(ctx); err != nil {
		return unlessEnded(ctx, err)
	}
	defer l.pool.Close()
	if err := Clear(ctx, l.pool); err != nil {
		return unlessEnded(ctx, err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endLimit)
		defer cancel()
		if cleared := Clear(ctx, l.pool); err == nil && cleared != nil {
			err = fmt.Errorf("remove the demo load: %w", cleared)
		}
	}()
	if err := inventPast(ctx, l.pool); err != nil {
		return unlessEnded(ctx, err)
	}
	group, ctx := errgroup.WithContext(ctx)
	l.main = l.post(group, ctx, role{Name: "worker.2", Release: olderRelease, Queues: queues()})
	l.dying = l.post(group, ctx, role{Name: "worker.3", Release: olderRelease, Queues: dyingQueues(), Imports: true})
	l.drained = l.post(group, ctx, role{Name: "worker.4", Release: olderRelease, Queues: map[string]int{drainedQueue: 2}})
	group.Go(func() error { l.requests.Run(ctx); return nil })
	group.Go(func() error { return unlessEnded(ctx, l.run(ctx)) })
	return group.Wait()
}

// open connects the load itself. Its client inserts kinds of any release.
func (l *load) open(ctx context.Context) (err error) {
	if l.pool, err = postgres.Open(ctx, l.URL, postgres.Share{Size: 3}); err != nil {
		return err
	}
	if err = l.enqueueAs(olderRelease); err != nil {
		l.pool.Close()
	}
	return err
}

// enqueueAs makes the load's requests and jobs those of a release.
func (l *load) enqueueAs(release string) (err error) {
	opts := work.Options{Schema: db.RiverSchema, Process: "web.1", Release: release, Log: l.Log}
	l.jobs, err = work.NewInserter(l.pool, opts)
	l.requests = record.NewRequests(l.pool, opts.Recording())
	return err
}

// post keeps a worker process running as part of group.
func (l *load) post(group *errgroup.Group, ctx context.Context, r role) *post {
	p := &post{program: l.Program, url: l.URL, log: l.Log, output: l.Output, role: r, occupied: make(chan struct{})}
	group.Go(func() error { return p.run(ctx) })
	return p
}

// run sets the scene once all workers take jobs, and then keeps the load up.
func (l *load) run(ctx context.Context) error {
	for _, p := range []*post{l.main, l.dying, l.drained} {
		select {
		case <-p.occupied:
		case <-ctx.Done():
			return nil
		}
	}
	if err := l.setScene(ctx); err != nil {
		return fmt.Errorf("set up the demo load: %w", err)
	}
	if l.Ready != nil {
		l.Ready()
	}
	return l.keepUp(ctx)
}

// unlessEnded returns err, or nil if ctx has ended: then err only means that the load was told to stop.
func unlessEnded(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}
