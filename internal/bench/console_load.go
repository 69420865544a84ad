package bench

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// feedEvery is the pause between the batches of jobs that keep a worker busy.
const feedEvery = 50 * time.Millisecond

// KeepWorking runs a worker until ctx ends, and calls started when it takes jobs.
func KeepWorking(ctx context.Context, s Setup, started func()) error {
	err := s.runOurs(ctx, &benchWorker{each: func() {}}, started, nil)
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// feed enqueues jobs that do nothing, perSecond on average, until ctx ends.
func feed(ctx context.Context, pool *pgxpool.Pool, perSecond float64) error {
	tick := time.NewTicker(feedEvery)
	defer tick.Stop()
	began, fed := time.Now(), 0
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		due := int(perSecond * time.Since(began).Seconds())
		_, err := pool.Exec(ctx, `with fed as (
				insert into `+riverSchema+`.river_job (kind, args, max_attempts)
				select 'bench', jsonb_build_object('n', n), 25 from generate_series(1, $1::int) n)
			select pg_notify('`+riverSchema+`.river_insert', '{"queue": "default"}')`, due-fed)
		if err != nil {
			return unlessOver(ctx, err)
		}
		fed = due
	}
}

// backlog returns how many of these jobs wait.
func backlog(ctx context.Context, pool *pgxpool.Pool) (n int, err error) {
	err = pool.QueryRow(ctx, "select count(*) from "+riverSchema+".river_job where queue = 'default' and state = 'available'").Scan(&n)
	return n, err
}
