package drill

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// strangers are sessions beside ours that lock rows of running jobs, as a forgotten psql or a report does.
type strangers struct {
	mu  sync.Mutex
	let map[int64]time.Time // by job: when it was let go of; zero while it is held
}

// of returns when a job was let go of, and whether it is held now; both zero if no stranger ever had it.
func (l *strangers) of(job int64) (let time.Time, held bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	let, known := l.let[job]
	return let, known && let.IsZero()
}

// held are the jobs that are locked now.
func (l *strangers) held() []int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	jobs := []int64{} // not nil, which is null
	for job, let := range l.let {
		if let.IsZero() {
			jobs = append(jobs, job)
		}
	}
	return jobs
}

// all is how many jobs were locked.
func (l *strangers) all() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.let)
}

func (l *strangers) set(jobs []int64, let time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, job := range jobs {
		l.let[job] = let
	}
}

// lock is one stranger's visit: it locks a few rows of running jobs and holds them for so long. waited is how many of these
// jobs had ended before it let go.
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
		// Chosen first and locked by their ids alone: Postgres keeps the lock of a row that has just changed its state, and
		// would not return it.
		rows, _ := tx.Query(ctx, `select id from river.river_job where id = any (array(select id from river.river_job
			where state = 'running' and kind = 'drill_step' and id <> all ($1) order by random() limit $2)) for update skip locked`,
			jobs, atOnce-len(jobs))
		more, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		if err != nil {
			return 0, err
		}
		s.strangers.set(more, time.Time{})
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
	s.strangers.set(jobs, time.Now())
	return waited, tx.Rollback(context.WithoutCancel(ctx))
}
