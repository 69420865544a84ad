package drill

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// lateBound is the promise for a job that no fault concerns: how long it may take beside its own work, from its enqueuing
// until its outcome is stored. A job that fails, or loses its worker, once has it done twice in that time.
const lateBound = 10 * time.Second

// lateness is how long jobs were kept waiting, at worst, and which one was.
type lateness struct {
	worst time.Duration
	job   int64
	looks int
	err   error
}

// watchLate looks at all jobs without an end until stop is called. One that a stranger has locked may wait until it is let
// go of.
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
		let, held := s.strangers.of(job)
		switch {
		case held:
			return nil
		case !let.IsZero():
			late = min(late, time.Since(let))
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

// noneLate fails the scenario if a job waited for what is not its concern.
func (s *stage) noneLate(l *lateness) error {
	s.result.note("the job that waited longest, beside its own work, did so for %.1f s (%d looks)", l.worst.Seconds(), l.looks)
	if l.worst > lateBound {
		s.result.fail("job %d waited for %.1f s, more than %s", l.job, l.worst.Seconds(), lateBound)
	}
	return l.err
}
