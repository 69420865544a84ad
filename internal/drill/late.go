package drill

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// lateBound is how long a job without a fault may take besides its own work, from enqueueing until its outcome is
// stored. It also suffices for a job that runs twice because it fails, or loses its worker, once.
const lateBound = 10 * time.Second

// lateness is the longest delay of a job, and which job it was.
type lateness struct {
	worst time.Duration
	job   int64
	looks int
	err   error
}

// watchLate watches all unfinished jobs until stop is called. A job that an outside session has locked may wait until
// the lock is released.
func (s *stage) watchLate(ctx context.Context) (stop func() *lateness) {
	ctx, cancel := context.WithCancel(ctx)
	l, done := &lateness{}, make(chan struct{})
	go func() {
		defer close(done)
		for ; ctx.Err() == nil && l.err == nil; pause(ctx, 200*time.Millisecond) {
			l.err = s.lookLate(ctx, l)
		}
	}()
	return func() *lateness {
		cancel()
		<-done
		return l
	}
}

func (s *stage) lookLate(ctx context.Context, l *lateness) error {
	rows, _ := s.pool.Query(ctx, `select id, extract(epoch from clock_timestamp() - created_at)::float8 - (args ->> 'millis')::float8 / 1000
		from river.river_job where finalized_at is null and kind = 'drill_step'`)
	var job int64
	var seconds float64
	_, err := pgx.ForEachRow(rows, []any{&job, &seconds}, func() error {
		late := time.Duration(seconds * float64(time.Second))
		released, locked := s.outsiders.of(job)
		switch {
		case locked:
			return nil
		case !released.IsZero():
			late = min(late, time.Since(released))
		}
		if late > l.worst {
			l.worst, l.job = late, job
		}
		return nil
	})
	if ctx.Err() != nil {
		return nil
	}
	l.looks++
	return err
}

// noneLate fails the scenario if a job was delayed by a fault that does not concern it.
func (s *stage) noneLate(l *lateness) error {
	s.result.note("the longest delay of a job, besides its own work, was %.1f s (%d checks)", l.worst.Seconds(), l.looks)
	if l.worst > lateBound {
		s.result.fail("job %d waited for %.1f s, more than %s", l.job, l.worst.Seconds(), lateBound)
	}
	return l.err
}
