package bench

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"github.com/backlist/backlist/internal/work"
)

// latencyClients starts a contender: a client that enqueues and one that works, with pools of their own.
func latencyClients(ctx context.Context, url, contender string, polling bool, s *stopwatch) (insert inserter, stop func() error, err error) {
	quiet := slog.New(slog.DiscardHandler)
	pool, err := sized(ctx, url, latencyConns)
	if err != nil {
		return nil, nil, err
	}
	each := river.WorkFunc(func(_ context.Context, job *river.Job[WorkArgs]) error {
		s.start(job.Args.N)
		return nil
	})
	if contender == Ours {
		workers := work.NewWorkers()
		work.AddWorker(workers, each)
		o := work.Options{
			Workers: workers, Queues: map[string]int{river.QueueDefault: riverSlots}, Schema: riverSchema, Process: "bench.1", Log: quiet,
			PollOnly: polling,
		}
		client, err := work.NewInserter(pool, o)
		if err != nil {
			return nil, nil, err
		}
		rivers, err := sized(ctx, url, latencyConns)
		if err != nil {
			return nil, nil, err
		}
		stop, err := runOurs(ctx, pool, rivers, o)
		return func(ctx context.Context, tx pgx.Tx, n int) error {
			_, err := client.InsertTx(ctx, tx, WorkArgs{n}, nil)
			return err
		}, stop, err
	}
	workers := river.NewWorkers()
	river.AddWorker(workers, each)
	cfg := river.Config{Schema: riverSchema, Logger: quiet, Workers: workers, PollOnly: polling}
	if contender == RiverTuned {
		cfg.FetchCooldown = time.Millisecond
	}
	inserting, working := cfg, cfg
	working.Queues = map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: riverSlots}}
	client, err := river.NewClient(riverpgxv5.New(pool), &inserting)
	if err != nil {
		return nil, nil, err
	}
	worker, err := river.NewClient(riverpgxv5.New(pool), &working)
	if err != nil {
		return nil, nil, err
	}
	if err := worker.Start(ctx); err != nil {
		return nil, nil, err
	}
	return func(ctx context.Context, tx pgx.Tx, n int) error {
			_, err := client.InsertTx(ctx, tx, WorkArgs{n}, nil)
			return err
		}, func() error {
			defer pool.Close()
			return worker.Stop(context.WithoutCancel(ctx))
		}, nil
}

// runOurs starts a worker of ours and returns what stops it.
func runOurs(ctx context.Context, pool, rivers *pgxpool.Pool, o work.Options) (stop func() error, err error) {
	w, err := work.NewWorker(rivers, o)
	if err != nil {
		return nil, err
	}
	running, cancel := context.WithCancel(ctx)
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- w.Run(running, func() { close(ready) }) }()
	select {
	case <-ready:
	case err := <-ended:
		cancel()
		return nil, errors.Join(err, errors.New("the worker ended before it was ready"))
	}
	return func() error {
		defer pool.Close()
		defer rivers.Close()
		cancel()
		return <-ended
	}, nil
}
