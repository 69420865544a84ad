package busy

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/db"
	"github.com/backlist/backlist/internal/formation"
	"github.com/backlist/backlist/internal/postgres"
	"github.com/backlist/backlist/internal/work"
)

// role describes a worker process of the load.
type role struct {
	Name    string         `json:"name"` // the platform's name for it, "worker.2"
	Release string         `json:"release"`
	Queues  map[string]int `json:"queues"`
	Imports bool           `json:"imports"` // it knows import_feed
}

const (
	// workerPool is the number of a worker's connections, without its listener.
	workerPool = 3
	// grace is how long a stopping worker's jobs may continue. It is short because their work is waiting.
	grace = time.Second
)

// Serve is the main function of a worker process of the load, whose role is given as JSON. It ends with ctx or at the end of in,
// which means that the load has ended. It prints a line with its name once it takes jobs.
func Serve(ctx context.Context, roleJSON, databaseURL string, in io.Reader, out io.Writer, log *slog.Logger) error {
	var r role
	if err := json.Unmarshal([]byte(roleJSON), &r); err != nil {
		return fmt.Errorf("read the role: %w", err)
	}
	ctx, cancel := formation.Attached(ctx, in)
	defer cancel()
	return r.run(ctx, databaseURL, log, func(id string) { fmt.Fprintln(out, id) })
}

// run works the role's jobs until ctx ends. It calls ready with the worker's id once it takes jobs.
func (r role) run(ctx context.Context, databaseURL string, log *slog.Logger, ready func(id string)) error {
	opts := work.Options{Queues: r.Queues, Only: true, Schema: db.RiverSchema, Process: r.Name, Release: r.Release, Grace: grace, Log: log}
	var id string
	return work.Run(ctx, work.Process{
		Options: opts, URL: databaseURL, Share: postgres.Share{Size: workerPool},
		Jobs: func(pool *pgxpool.Pool) (*work.Workers, error) {
			jobs, err := work.NewInserter(pool, opts)
			if err != nil {
				return nil, err
			}
			s := &shop{pool: pool, jobs: jobs, release: r.Release}
			return s.register(r.Imports), nil
		},
		Started: func(started string) { id = started },
		Ready:   func() { ready(id) },
	})
}
