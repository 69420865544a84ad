package crowd

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/recommend"
)

// withWorker starts a worker process, waits until it has done all jobs, and runs fn beside it.
func (m *measurement) withWorker(ctx context.Context, fn func() error) (err error) {
	jobs, err := m.Jobs(m.Pool)
	if err != nil {
		return fmt.Errorf("job client: %w", err)
	}
	// This database has no schedules, because one could come due during the measurement.
	if _, err := jobs.Insert(ctx, recommend.NeighboursArgs{}, nil); err != nil {
		return fmt.Errorf("enqueue rebuild_neighbours: %w", err)
	}
	worker, err := m.start(ctx, Worker)
	if err != nil {
		return err
	}
	defer func() {
		if stopped := worker.Stop(); err == nil {
			err = stopped
		}
	}()
	if err := whenIdle(ctx, m.Pool, 5*time.Minute); err != nil {
		return err
	}
	return fn()
}

// whenIdle waits until the jobs are done and the neighbours are up to date.
func whenIdle(ctx context.Context, pool *pgxpool.Pool, limit time.Duration) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for began := time.Now(); ; {
		var idle bool
		err := pool.QueryRow(ctx, `
			select not exists (select from river.river_job where state not in ('completed', 'cancelled', 'discarded'))
			   and exists (select from (select rating_change from neighbour_build order by id desc limit 1) last
			               where rating_change = coalesce(pg_sequence_last_value('rating_change'::regclass), 0))`).Scan(&idle)
		if err != nil {
			return fmt.Errorf("ask whether the worker is idle: %w", err)
		}
		if idle {
			return nil
		}
		if time.Since(began) > limit {
			return fmt.Errorf("the worker had not done its jobs after %s", limit)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
