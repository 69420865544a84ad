package bench

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// cancelsPerSecond is low, because people cancel jobs.
const cancelsPerSecond = 10

// cancel runs jobs until they are cancelled, cancels them one by one at random moments, and waits until each job's
// context has ended.
func (l Latency) cancel(ctx context.Context, pool *pgxpool.Pool, s *stopwatch, client latencyClient, running <-chan struct{}) ([]time.Duration, error) {
	ids := make([]int64, min(max(int(cancelsPerSecond*l.For.Seconds()), 5), riverSlots))
	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) (err error) {
		for n := range ids {
			if ids[n], err = client.insert(ctx, tx, n); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for range ids {
		select {
		case <-running:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for n, id := range ids {
		if err := sleepUntil(ctx, time.Now().Add(time.Duration(random.ExpFloat64()*float64(time.Second)/cancelsPerSecond))); err != nil {
			return nil, err
		}
		if err := client.cancel(ctx, id); err != nil {
			return nil, err
		}
		s.note(&s.committed, n)
	}
	return s.wait(ctx)
}
