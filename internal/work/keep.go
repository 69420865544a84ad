package work

import (
	"context"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/work/pilot"
)

const (
	// lookEvery is how often a process looks whether anything is due, at the latest.
	lookEvery = time.Second
	// lookAgainIn is how soon at the earliest: somebody else may be at it.
	lookAgainIn = 50 * time.Millisecond
	// moreIn is when a process goes on with what was too much for once: its connection has other work to do in between.
	moreIn = 10 * time.Millisecond
	// keepTimeout bounds all that is done at one look. A connection may be cut without a word.
	keepTimeout = 5 * time.Second
)

// housekeeping is the housekeeping that every process does, whoever leads, so that it goes on as long as there is any: schedules
// tick, and jobs that were put off come due.
type housekeeping struct {
	db     *pgxpool.Pool
	jobs   *Client
	by     string // this process, as work.tick names it
	schema string // River's
	dueSQL string
	failed map[string]time.Time // schedules that could not tick, and when they are tried again; run's goroutine only
	log    *slog.Logger
}

func newHousekeeping(pool *pgxpool.Pool, by string, o Options) (*housekeeping, error) {
	o.Workers = nil // any kind may be enqueued, those of other releases too
	jobs, err := NewInserter(pool, o)
	if err != nil {
		return nil, err
	}
	return &housekeeping{
		db: pool, jobs: jobs, by: by, schema: o.Schema, dueSQL: comeDueSQL(o.Schema), failed: map[string]time.Time{}, log: o.Log,
	}, nil
}

// run keeps house until ctx ends. also is done at each look, and may be nil. When the database is away it tries again.
func (k *housekeeping) run(ctx context.Context, also func(ctx context.Context, failed bool) error) {
	failed := false
	for ctx.Err() == nil {
		wait, err := k.look(ctx)
		if err == nil && also != nil {
			err = also(ctx, failed)
		}
		if err != nil && ctx.Err() == nil && !failed {
			k.log.WarnContext(ctx, "housekeeping failed: schedules and jobs that come due wait until it succeeds", "err", err)
		}
		if failed = err != nil; failed {
			wait = lookEvery
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

// look does what is due, and says how long to wait until the next look. It is not broken off at a stop: that would cost the
// connection, which is needed to store what ran.
func (k *housekeeping) look(ctx context.Context) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepTimeout)
	defer cancel()
	jobs, schedules, next, err := k.whatIsDue(ctx)
	if err != nil {
		return 0, err
	}
	more := false
	if jobs {
		if more, err = k.comeDue(ctx); err != nil {
			return 0, err
		}
	}
	if schedules {
		if err := k.tickAll(ctx); err != nil {
			return 0, err
		}
	}
	if more {
		return moreIn, nil
	}
	return min(max(next, lookAgainIn), lookEvery), nil
}

// whatIsDue is one cheap statement: it reads a small table, and the first entries of an index, as many as there are pending
// jobs before the first other.
func (k *housekeeping) whatIsDue(ctx context.Context) (jobs, schedules bool, next time.Duration, err error) {
	var job, schedule float64 // seconds from now
	err = k.db.QueryRow(ctx, `select
		coalesce(extract(epoch from (select min(scheduled_at) from `+pilot.Table(k.schema)+` where state in ('retryable', 'scheduled')) - now()), 3600)::float8,
		coalesce((select min(case when words = '' then 0 else extract(epoch from next_at - now()) end) from work.schedule
			where paused_at is null and retired_at is null), 3600)::float8`).Scan(&job, &schedule)
	next = time.Hour
	for _, s := range []float64{job, schedule} {
		if s <= 0 {
			s = lookEvery.Seconds() // it is seen to now, unless somebody has it locked
		}
		next = min(next, time.Duration(s*float64(time.Second)))
	}
	return job <= 0, schedule <= 0, next, err
}
