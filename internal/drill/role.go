package drill

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"github.com/backlist/backlist/db"
	"github.com/backlist/backlist/internal/formation"
	"github.com/backlist/backlist/internal/postgres"
	"github.com/backlist/backlist/internal/work"
)

// Role describes a process of the drill.
type Role struct {
	Kind  string `json:"kind"`
	Name  string `json:"name"`  // the platform's name for it, "worker.2"
	Slots int    `json:"slots"` // of a worker
	Pool  int    `json:"pool"`  // its connections, a worker's listener not counted
}

const (
	roleWeb      = "web"
	roleWorker   = "worker"
	roleOlder    = "older"    // a worker without registration: River as it is
	roleUnfenced = "unfenced" // the same, and its effects are not tied to its jobs
)

// Serve is the main function of a process of the drill, whose role is given as JSON. It ends with ctx or at the end of in, which
// means that the drill has ended. It prints its events to out, one on each line.
func Serve(ctx context.Context, roleJSON, databaseURL string, in io.Reader, out io.Writer, log *slog.Logger) error {
	var role Role
	if err := json.Unmarshal([]byte(roleJSON), &role); err != nil {
		return fmt.Errorf("read the role: %w", err)
	}
	ctx, cancel := formation.Attached(ctx, in)
	defer cancel()
	var mu sync.Mutex
	tell := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(out, format+"\n", args...)
	}
	switch role.Kind {
	case roleWeb:
		return serveWeb(ctx, databaseURL, role.Pool, tell, log)
	case roleWorker:
		return serveWorker(ctx, databaseURL, role, tell, log)
	default:
		return serveOlder(ctx, databaseURL, role, tell, log)
	}
}

// serveWorker runs steps in the worker process that the product runs.
func serveWorker(ctx context.Context, databaseURL string, role Role, tell func(string, ...any), log *slog.Logger) error {
	return work.Run(ctx, work.Process{
		Options: work.Options{
			Queues: map[string]int{river.QueueDefault: role.Slots}, Schema: db.RiverSchema, Process: role.Name, Release: "drill", Log: log,
		},
		URL: databaseURL, Share: postgres.Share{Size: role.Pool},
		Jobs: func(pool *pgxpool.Pool) (*work.Workers, error) {
			workers := work.NewWorkers()
			work.AddWorker(workers, &stepWorker{pool: pool, role: role, tell: tell})
			work.AddBrief(workers, smallWorker{}, work.Brief{})
			return workers, nil
		},
		Started: func(id string) { tell("name %s", id) },
		Ready:   func() { tell("ready") },
	})
}

// serveOlder runs steps with River as it is: without our pilot and registration, and with River's own rescue after an hour.
func serveOlder(ctx context.Context, databaseURL string, role Role, tell func(string, ...any), log *slog.Logger) error {
	jobs, err := poolOf(ctx, databaseURL, role.Pool-1)
	if err != nil {
		return err
	}
	defer jobs.Close()
	pool, err := poolOf(ctx, databaseURL, 1)
	if err != nil {
		return err
	}
	defer pool.Close()
	workers := river.NewWorkers()
	river.AddWorker(workers, &stepWorker{pool: jobs, role: role, tell: tell})
	id := role.Name + "-" + rand.Text()[:10]
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{
		ID: id, Logger: log, Schema: db.RiverSchema, Workers: workers, JobTimeout: time.Minute, SoftStopTimeout: 5 * time.Second,
		FetchCooldown: 2 * time.Millisecond, FetchPollInterval: time.Second,
		Queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: role.Slots}},
	})
	if err != nil {
		return err
	}
	tell("name %s", id)
	if err := client.Start(ctx); err != nil {
		return err
	}
	tell("ready")
	<-client.Stopped()
	return nil
}

// poolOf returns a pool that connects when it is first used, with the settings that our statements rely on.
func poolOf(ctx context.Context, databaseURL string, size int) (*pgxpool.Pool, error) {
	cfg, err := pgxpool.ParseConfig(databaseURL)
	if err != nil {
		return nil, err
	}
	db.Rely(cfg.ConnConfig)
	cfg.MaxConns = int32(size)
	return pgxpool.NewWithConfig(ctx, cfg)
}
