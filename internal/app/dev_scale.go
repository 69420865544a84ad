package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/formation"
	"github.com/backlist/backlist/internal/postgres"
	"github.com/backlist/backlist/internal/scale"
)

const (
	// devWorkersMax is the most workers that dev --scale starts.
	devWorkersMax = 4
	// devShare is how many connections each has, besides the one that carries its heartbeats.
	devShare = 2
	// devStarts is how long the first of them may take to start.
	devStarts = time.Minute
)

// scaleBanner says what dev --scale does. %s is the data folder's flag.
const scaleBanner = `Workers are processes here, worker.1 to worker.4: each runs one job of a queue at a time, and they come and go with the load, so
that no job waits longer than 5 s. Queue some jobs, watch, and wait two minutes:

  go run ./cmd/backlist psql%[1]s -- -c "select count(jobs.enqueue('recommend_reader', json_build_object('reader_id', id))) from reader"
  go run ./cmd/backlist psql%[1]s -- -c "select at, present, quantity, code, sentence from jobs.scale_decision order by id desc limit 10"

`

// startDevWorkers starts the worker processes of dev --scale: as many as ran when dev was stopped, because another number would count
// as a change by hand.
func (p *program) startDevWorkers(ctx context.Context, log *slog.Logger, out io.Writer, url string) (*formation.Local, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	pool, err := postgres.Open(ctx, url, postgres.Share{Size: 1})
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	n := 1
	if err := pool.QueryRow(ctx, "select greatest(1, max(quantity)) from jobs.scale where process_type = 'worker'").Scan(&n); err != nil {
		return nil, err
	}
	workers := formation.NewLocal(formation.Config{
		Type: "worker", Program: []string{self, "worker", "--attached"}, Output: out, Log: log,
		Env: []string{
			"DATABASE_URL=" + url, "SECRET_KEY=" + p.cfg.SecretKey, "BASE_URL=" + p.cfg.BaseURL, "SMTP_URL=" + p.cfg.SMTPURL, "LAB=on",
			fmt.Sprintf("WORKERS_MAX=%d", devWorkersMax), fmt.Sprintf("WORKER_POOL=%d", devShare), "WORKER_CONCURRENCY=1",
		},
	})
	return workers, workers.Scale(ctx, min(n, devWorkersMax))
}

// scaleDevWorkers waits for the first worker, and has the workers scaled until ctx ends, by a target of its own unless an operator has
// set one.
func scaleDevWorkers(ctx context.Context, url string, ready func()) error {
	pool, err := postgres.Open(ctx, url, postgres.Share{Size: 1})
	if err != nil {
		return err
	}
	defer pool.Close()
	limit, cancel := context.WithTimeout(ctx, devStarts)
	defer cancel()
	for started := false; !started; {
		if err := pool.QueryRow(limit, "select exists (select from jobs.worker where alive and process = 'worker.1')").Scan(&started); err != nil {
			return fmt.Errorf("the worker did not start: %w", err)
		}
		time.Sleep(50 * time.Millisecond)
	}
	err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `select jobs.set_scale('worker', '5 s', 1, $1, reason => 'backlist dev --scale'), jobs.set_scale_mode('worker', 'on', 'backlist dev --scale')
			where not exists (select from jobs.scale where process_type = 'worker')`, devWorkersMax)
		return err
	})
	if err != nil {
		return err
	}
	ready()
	<-ctx.Done()
	return nil
}

// local returns these processes for their type, and nothing for others.
func local(workers *formation.Local) func(processType string) scale.Formation {
	return func(processType string) scale.Formation {
		if processType != "worker" {
			return nil
		}
		return scale.Local{Processes: workers}
	}
}
