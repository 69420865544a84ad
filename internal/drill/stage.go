package drill

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/db"
	"github.com/backlist/backlist/internal/work"
)

const (
	template = "drill_template"

	// ledger is the table of the workload's effects. Nothing in it is unique.
	ledger = `create schema drill;
		create table drill.request (key text not null);
		create table drill.effect (key text not null, job_id bigint not null, attempt int not null, worker text not null,
			at timestamptz not null default clock_timestamp());`

	readyLimit = 60 * time.Second // for a process to serve
	endLimit   = 30 * time.Second // for a process to end after SIGTERM: a platform's limit
)

// makeTemplate makes the database that each scenario copies.
func (r *run) makeTemplate(ctx context.Context) error {
	if err := r.create(ctx, template, "template0"); err != nil {
		return err
	}
	pool, err := poolOf(ctx, withDatabase(r.url, template), 2)
	if err != nil {
		return err
	}
	defer pool.Close()
	if err := db.Migrate(ctx, pool, slog.New(slog.DiscardHandler)); err != nil {
		return err
	}
	_, err = pool.Exec(ctx, ledger)
	return err
}

// create makes a database, and replaces one that an earlier drill has left on the server.
func (r *run) create(ctx context.Context, name, from string) error {
	if err := onServer(ctx, r.url, "drop database if exists "+name+" with (force)"); err != nil {
		return err
	}
	return onServer(ctx, r.url, "create database "+name+" template "+from)
}

// stage is the environment of one scenario: a database, processes, and their logs.
type stage struct {
	*run
	result  *Result
	url     string // of the scenario's database
	pool    *pgxpool.Pool
	jobs    *work.Client // enqueues for the drill itself
	logs    string
	journal *journal
	sent    *sent
	keys    atomic.Int64 // number of keys given to requests

	outsiders *outsiders

	mu        sync.Mutex
	processes []*process
	closing   bool
	cleanup   []func()
	watching  sync.WaitGroup
}

func (r *run) newStage(ctx context.Context, name string) (*stage, error) {
	s := &stage{
		run: r, result: &Result{Scenario: name}, url: withDatabase(r.url, "drill_"+name), logs: filepath.Join(r.Dir, name),
		journal: newJournal(), outsiders: &outsiders{released: map[int64]time.Time{}},
		sent: &sent{acknowledged: map[string]bool{}},
	}
	if err := os.MkdirAll(s.logs, 0o700); err != nil {
		return nil, err
	}
	if err := r.create(ctx, "drill_"+name, template); err != nil {
		return nil, err
	}
	return s, s.connect(ctx)
}

// connect opens the drill's own connections to the scenario's database.
func (s *stage) connect(ctx context.Context) (err error) {
	if s.pool, err = poolOf(ctx, s.url, 4); err != nil {
		return err
	}
	workers := work.NewWorkers()
	work.AddWorker(workers, &stepWorker{})
	work.AddBrief(workers, smallWorker{}, work.Brief{})
	s.jobs, err = work.NewInserter(s.pool, work.Options{Workers: workers, Schema: db.RiverSchema, Release: "drill", Log: slog.New(slog.DiscardHandler)})
	return err
}

// later registers fn to run when the scenario is over.
func (s *stage) later(fn func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cleanup = append(s.cleanup, fn)
}

// close kills the scenario's processes and then cleans up, in reverse order.
func (s *stage) close() {
	s.mu.Lock()
	s.closing = true
	processes, cleanup := s.processes, s.cleanup
	s.mu.Unlock()
	for _, p := range processes {
		p.Continue()
		p.Kill()
	}
	for _, p := range processes {
		<-p.Done()
	}
	s.watching.Wait()
	for i := len(cleanup) - 1; i >= 0; i-- {
		cleanup[i]()
	}
	if s.pool != nil {
		s.pool.Close()
	}
}

// startReady starts roles and waits until all of them serve.
func (s *stage) startReady(ctx context.Context, databaseURL string, roles ...Role) ([]*process, error) {
	var started []*process
	for _, role := range roles {
		p, err := s.start(role, databaseURL)
		if err != nil {
			return nil, err
		}
		started = append(started, p)
	}
	for _, p := range started {
		if err := s.await(ctx, p); err != nil {
			return nil, err
		}
	}
	return started, nil
}

func (s *stage) await(ctx context.Context, p *process) error {
	select {
	case <-p.ready:
		return nil
	case <-p.Done():
		return fmt.Errorf("%s ended before it served: %v", p.role.Name, p.Err()) // nil if it ended well
	case <-time.After(readyLimit):
		return fmt.Errorf("%s did not serve within %s", p.role.Name, readyLimit)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// workerPool is the size of a worker's pools: two connections for its jobs, and one of its own.
const workerPool = 3

// workersOf returns n workers with the given number of slots each.
func workersOf(kind string, n, slots int) (roles []Role) {
	for i := range n {
		roles = append(roles, Role{Kind: kind, Name: fmt.Sprintf("worker.%d", i+1), Slots: slots, Pool: workerPool})
	}
	return roles
}

var webRole = Role{Kind: roleWeb, Name: "web.1", Pool: 4}

// until waits until a condition in the database holds. It ignores errors, because the server may be unavailable.
func (s *stage) until(ctx context.Context, limit time.Duration, what, sql string, args ...any) error {
	return poll(ctx, limit, what, func() bool {
		var ok bool
		return s.pool.QueryRow(ctx, "select coalesce(("+sql+"), false)", args...).Scan(&ok) == nil && ok
	})
}

// poll waits until a condition holds.
func poll(ctx context.Context, limit time.Duration, what string, holds func() bool) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	expired := time.After(limit)
	for !holds() {
		select {
		case <-tick.C:
		case <-expired:
			return fmt.Errorf("not within %s: %s", limit, what)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// judging waits until the server has been up long enough for workers to be declared dead.
func (s *stage) judging(ctx context.Context) error {
	return s.until(ctx, time.Minute, "workers may be declared dead",
		"select clock_timestamp() - pg_postmaster_start_time() > interval '10.1 s'")
}

// pause is the duration of a fault. It is not a wait for an event.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func onServer(ctx context.Context, serverURL, sql string) error {
	conn, err := pgx.Connect(ctx, serverURL)
	if err != nil {
		return fmt.Errorf("connect to the private Postgres: %w", err)
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, sql)
	return err
}

func withDatabase(serverURL, name string) string {
	u, _ := url.Parse(serverURL) // pgx has parsed it before
	u.Path = "/" + name
	return u.String()
}
