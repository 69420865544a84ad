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
	"github.com/riverqueue/river/rivertype"

	"github.com/backlist/backlist/internal/postgres"
	"github.com/backlist/backlist/internal/work"
)

// latencyClient is a contender: a client that enqueues and cancels, and one that works, with separate pools.
type latencyClient struct {
	insert func(ctx context.Context, tx pgx.Tx, n int) (id int64, err error) // the n-th job
	cancel func(ctx context.Context, id int64) error
	stop   func() error
}

// enqueuer is the common interface of River's client and ours.
type enqueuer interface {
	InsertTx(ctx context.Context, tx pgx.Tx, args river.JobArgs, opts *river.InsertOpts) (*rivertype.JobInsertResult, error)
	JobCancel(ctx context.Context, id int64) (*rivertype.JobRow, error)
}

func latencyClientOf(e enqueuer, stop func() error) latencyClient {
	return latencyClient{
		insert: func(ctx context.Context, tx pgx.Tx, n int) (int64, error) {
			res, err := e.InsertTx(ctx, tx, WorkArgs{n}, nil)
			if err != nil {
				return 0, err
			}
			return res.Job.ID, nil
		},
		cancel: func(ctx context.Context, id int64) error {
			_, err := e.JobCancel(ctx, id)
			return err
		},
		stop: stop,
	}
}

// newLatencyClient starts a contender, which calls run for the n-th job.
func newLatencyClient(ctx context.Context, url, contender string, polling bool, run func(ctx context.Context, n int)) (latencyClient, error) {
	quiet := slog.New(slog.DiscardHandler)
	each := river.WorkFunc(func(ctx context.Context, job *river.Job[WorkArgs]) error {
		run(ctx, job.Args.N)
		return nil
	})
	if contender == Ours {
		return newOurLatencyClient(ctx, url, each, work.Options{
			Queues: map[string]int{river.QueueDefault: riverSlots}, Schema: riverSchema, Process: "bench.1", Log: quiet, PollOnly: polling,
		})
	}
	pool, err := sized(ctx, url, latencyConns)
	if err != nil {
		return latencyClient{}, err
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
		return latencyClient{}, err
	}
	worker, err := river.NewClient(riverpgxv5.New(pool), &working)
	if err != nil {
		return latencyClient{}, err
	}
	if err := worker.Start(ctx); err != nil {
		return latencyClient{}, err
	}
	return latencyClientOf(client, func() error {
		defer pool.Close()
		return worker.Stop(context.WithoutCancel(ctx))
	}), nil
}

// newOurLatencyClient starts the worker process that the product runs, and beside it a client that enqueues, as web processes have.
func newOurLatencyClient(ctx context.Context, url string, each river.Worker[WorkArgs], o work.Options) (latencyClient, error) {
	pool, err := postgres.Open(ctx, url, postgres.Share{Size: latencyConns})
	if err != nil {
		return latencyClient{}, err
	}
	o.Workers = work.NewWorkers()
	work.AddWorker(o.Workers, each)
	client, err := work.NewInserter(pool, o)
	if err != nil {
		pool.Close()
		return latencyClient{}, err
	}
	running, cancel := context.WithCancel(ctx)
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- work.Run(running, work.Process{
			Options: o, URL: url, Share: postgres.Share{Size: 4 * latencyConns},
			Jobs:  func(*pgxpool.Pool) (*work.Workers, error) { return o.Workers, nil },
			Ready: func() { close(ready) },
		})
	}()
	stop := func() error {
		defer pool.Close()
		cancel()
		return <-ended
	}
	select {
	case <-ready:
		return latencyClientOf(client, stop), nil
	case err := <-ended:
		cancel()
		pool.Close()
		return latencyClient{}, errors.Join(err, errors.New("the worker ended before it was ready"))
	}
}
