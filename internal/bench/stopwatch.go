package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// stopwatch records when each job was committed and when it started.
type stopwatch struct {
	mu        sync.Mutex
	committed []time.Time // by the job's number
	started   []time.Time
	ended     chan struct{} // signalled with each start
}

var errRollback = errors.New("rolled back on purpose")

func (s *stopwatch) enqueue(ctx context.Context, pool *pgxpool.Pool, n int, discard bool, client latencyClient) error {
	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if _, err := client.insert(ctx, tx, n); err != nil {
			return err
		}
		if discard {
			return errRollback
		}
		return nil
	})
	if discard && errors.Is(err, errRollback) {
		return nil
	}
	if err == nil {
		s.note(&s.committed, n)
	}
	return err
}

func (s *stopwatch) start(n int) {
	s.note(&s.started, n)
	select {
	case s.ended <- struct{}{}:
	default:
	}
}

func (s *stopwatch) note(times *[]time.Time, n int) {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(*times) <= n {
		*times = append(*times, time.Time{})
	}
	(*times)[n] = now
}

// wait waits until each committed job has started, and returns the sorted times.
func (s *stopwatch) wait(ctx context.Context) ([]time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		if took, missing := s.times(); missing == 0 {
			return took, nil
		} else if ctx.Err() != nil {
			return nil, fmt.Errorf("%d of %d jobs did not start: %w", missing, missing+len(took), ctx.Err())
		}
		select {
		case <-s.ended:
		case <-ctx.Done():
		}
	}
}

func (s *stopwatch) times() (took []time.Duration, missing int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for n, committed := range s.committed {
		switch {
		case committed.IsZero(): // rolled back
		case n >= len(s.started) || s.started[n].IsZero():
			missing++
		default:
			took = append(took, max(s.started[n].Sub(committed), 0))
		}
	}
	slices.Sort(took)
	return took, missing
}
