package drill

import (
	"context"
	"math/rand/v2"
	"time"
)

// storm ends all connections repeatedly.
func storm(ctx context.Context, s *stage) error {
	s.result.Injected = "pg_terminate_backend on all backends of the database, repeatedly"
	storms, n := 30, 2000
	if s.Short {
		storms, n = 5, 300
	}
	_, web, err := s.deployment(ctx, roleWorker, 4)
	if err != nil {
		return err
	}
	l := s.send(ctx, web.name, n, 100, usual)
	ended := 0
	for range storms {
		pause(ctx, 200*time.Millisecond+time.Duration(rand.Int64N(int64(800*time.Millisecond))))
		var count int
		err := s.pool.QueryRow(ctx, `select count(pg_terminate_backend(pid)) from pg_stat_activity
			where datname = current_database() and pid <> pg_backend_pid()`).Scan(&count)
		if err != nil {
			continue // our own connection was ended too
		}
		ended += count
	}
	<-l.done
	if err := s.settle(ctx); err != nil {
		return err
	}
	s.result.note("%d connections were ended in %d storms", ended, storms)
	if ended == 0 {
		s.result.fail("no connection was ended")
	}
	s.noneTaken()
	return nil
}
