package drill

import (
	"context"
	"time"
)

// pool makes jobs hold all connections of the job pools for seconds. The connections for heartbeats and leadership are
// separate.
func pool(ctx context.Context, s *stage) error {
	s.result.Injected = "jobs that hold all connections of their workers' pools with queries of 3 s, ten to two connections"
	if _, err := s.startReady(ctx, s.url, workersOf(roleWorker, 2, 10)...); err != nil {
		return err
	}
	if err := s.judging(ctx); err != nil {
		return err
	}
	if err := s.until(ctx, readyLimit, "there is a leader", "select exists (select from river.river_leader)"); err != nil {
		return err
	}
	steps := make([]Step, 40)
	for i := range steps {
		steps[i] = Step{Millis: 3000, How: query}
	}
	if err := s.enqueue(ctx, steps...); err != nil {
		return err
	}
	var leaders map[string]bool
	var silent, unled time.Duration
	var full int
	leaders = map[string]bool{}
	for over := false; !over && ctx.Err() == nil; pause(ctx, 100*time.Millisecond) {
		var leader string
		var expired bool
		var quiet float64
		var queries int
		err := s.pool.QueryRow(ctx, `select
			not exists (select from river.river_job where finalized_at is null),
			coalesce((select leader_id from river.river_leader), ''),
			not exists (select from river.river_leader where expires_at > now()),
			(select extract(epoch from max(clock_timestamp() - seen_at))::float8 from work.worker),
			(select count(*) from pg_stat_activity where datname = current_database() and state = 'active' and query like '%pg_sleep%' and pid <> pg_backend_pid())`).
			Scan(&over, &leader, &expired, &quiet, &queries)
		if err != nil {
			return err
		}
		leaders[leader] = true
		silent = max(silent, time.Duration(quiet*float64(time.Second)))
		if expired {
			unled += 100 * time.Millisecond
		}
		if queries >= 4 {
			full++
		}
	}
	if err := s.settle(ctx); err != nil {
		return err
	}
	s.result.note("all four connections were held at %d checks; no worker was silent for more than %.1f s; leaders: %d", full, silent.Seconds(), len(leaders))
	if full == 0 {
		s.result.fail("the pools were never full")
	}
	if len(leaders) != 1 || unled > 0 {
		s.result.fail("leadership changed (%d leaders, %s without)", len(leaders), unled)
	}
	if silent > 3*time.Second {
		s.result.fail("a worker was silent for %s", silent)
	}
	s.noneSpent()
	s.noneTaken()
	return nil
}
