package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// KindFigures are the figures of the jobs of one kind that became due during a load.
type KindFigures struct {
	Kind    string  `json:"kind"`
	Jobs    int     `json:"jobs"`
	Done    int     `json:"done"` // completed, or cancelled by the load itself
	Failing int     `json:"failing"`
	WaitP50 float64 `json:"wait_p50_ms"`
	WaitP99 float64 `json:"wait_p99_ms"`
	RunP50  float64 `json:"run_p50_ms"`
	RunP99  float64 `json:"run_p99_ms"`
}

// KindsSince reads from schema jobs how the jobs went that were enqueued since a time and are due.
func KindsSince(ctx context.Context, pool *pgxpool.Pool, since time.Time) ([]KindFigures, error) {
	rows, err := pool.Query(ctx, `
		select kind, count(*)::int, (count(*) filter (where state in ('completed', 'cancelled')))::int,
		       (count(*) filter (where state in ('retryable', 'discarded')))::int,
		       coalesce(percentile_disc(0.5) within group (order by extract(epoch from wait) * 1000), 0)::float8,
		       coalesce(percentile_disc(0.99) within group (order by extract(epoch from wait) * 1000), 0)::float8,
		       coalesce(percentile_disc(0.5) within group (order by extract(epoch from run) * 1000), 0)::float8,
		       coalesce(percentile_disc(0.99) within group (order by extract(epoch from run) * 1000), 0)::float8
		from jobs.job where enqueued_at >= $1 and scheduled_at <= now() group by kind order by kind`, since)
	if err != nil {
		return nil, fmt.Errorf("ask how the jobs went: %w", err)
	}
	kinds, err := pgx.CollectRows(rows, pgx.RowToStructByPos[KindFigures])
	if err != nil {
		return nil, fmt.Errorf("ask how the jobs went: %w", err)
	}
	return kinds, nil
}

// Backlogs asks schema jobs once a second how many jobs are ready and wait, until ctx ends.
func Backlogs(ctx context.Context, pool *pgxpool.Pool) (waiting []int) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return waiting
		case <-tick.C:
		}
		var n int
		if err := pool.QueryRow(ctx, "select coalesce(sum(available), 0)::int from jobs.queue").Scan(&n); err != nil && len(waiting) > 0 {
			n = waiting[len(waiting)-1] // the second is over, or the server is too busy to say
		}
		waiting = append(waiting, n)
	}
}
