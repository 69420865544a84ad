package busy

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/trace"
	"github.com/backlist/backlist/internal/work"
)

// shop is what the workers of all kinds share. They have no tables of their own: their work is waiting.
type shop struct {
	pool    *pgxpool.Pool
	jobs    *work.Client
	release string
}

// query is a step whose query takes about the given time in the database.
func (s *shop) query(ctx context.Context, step string, takes time.Duration) error {
	return trace.Step(ctx, step, func(ctx context.Context) error {
		_, err := s.pool.Exec(ctx, "select pg_sleep($1)", vary(takes).Seconds())
		return err
	})
}

// call is a step that waits for about the given time, as for another service.
func call(ctx context.Context, step string, takes time.Duration) error {
	return trace.Step(ctx, step, func(ctx context.Context) error { return wait(ctx, vary(takes)) })
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// vary returns half to one and a half of d, and sometimes a multiple of it.
func vary(d time.Duration) time.Duration {
	d = d/2 + time.Duration(rand.Int64N(int64(d)+1))
	if rand.IntN(50) == 0 {
		d *= 4
	}
	return d
}
