package drill

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// outsiders are sessions outside of Backlist that lock rows of running jobs, like a forgotten psql or a report.
type outsiders struct {
	mu       sync.Mutex
	released map[int64]time.Time // by job: when it was released; zero while it is locked
}

// of returns when a job was released, and whether it is locked now; both are zero if it was never locked.
func (l *outsiders) of(job int64) (released time.Time, locked bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	released, known := l.released[job]
	return released, known && released.IsZero()
}

// locked returns the jobs that are locked now.
func (l *outsiders) locked() []int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	jobs := []int64{} // not nil, which is null
	for job, released := range l.released {
		if released.IsZero() {
			jobs = append(jobs, job)
		}
	}
	return jobs
}

// all returns how many jobs have been locked.
func (l *outsiders) all() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.released)
}

func (l *outsiders) set(jobs []int64, released time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, job := range jobs {
		l.released[job] = released
	}
}

// lock is one outside session: it locks a few rows of running jobs for the time hold. waited is how many of these jobs
// ended before that.
func (s *stage) lock(ctx context.Context, hold time.Duration) (waited int, err error) {
	const atOnce = 3
	conn, err := pgx.Connect(ctx, s.url)
	if err != nil {
		return 0, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	tx, err := conn.Begin(ctx)
	if err != nil {
		return 0, err
	}
	jobs := []int64{}
	for len(jobs) < atOnce && ctx.Err() == nil {
		// The rows are chosen first and locked by their ids alone: with the condition, Postgres would lock but not
		// return a row that has just changed its state.
		rows, _ := tx.Query(ctx, `select id from river.river_job where id = any (array(select id from river.river_job
			where state = 'running' and kind = 'drill_step' and id <> all ($1) order by random() limit $2)) for update skip locked`,
			jobs, atOnce-len(jobs))
		more, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		if err != nil {
			return 0, err
		}
		s.outsiders.set(more, time.Time{})
		if jobs = append(jobs, more...); len(jobs) < atOnce {
			pause(ctx, 20*time.Millisecond)
		}
	}
	pause(ctx, hold)
	for _, job := range jobs {
		if s.journal.hasEnded(job) {
			waited++
		}
	}
	s.outsiders.set(jobs, time.Now())
	return waited, tx.Rollback(context.WithoutCancel(ctx))
}
