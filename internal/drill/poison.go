package drill

import (
	"context"
	"time"

	"github.com/backlist/backlist/internal/work"
)

// poison enqueues a job that kills its worker.
func poison(ctx context.Context, s *stage) error {
	s.result.Injected = "a job that sends SIGKILL to its own worker"
	n := 1000
	if s.Short {
		n = 200
	}
	_, web, err := s.deployment(ctx, roleWorker, 3)
	if err != nil {
		return err
	}
	l := s.send(ctx, web.name, n, 50, usual)
	if err := poll(ctx, readyLimit, "some load", func() bool { return l.asked() > n/20 }); err != nil {
		return err
	}
	if err := s.enqueue(ctx, Step{How: dies}); err != nil {
		return err
	}
	err = s.until(ctx, time.Minute, "the job is discarded",
		"select state = 'discarded' from river.river_job where args ->> 'how' = 'dies'")
	if err != nil {
		s.result.fail("%v", err)
	}
	<-l.done
	if err := s.settle(ctx); err != nil {
		return err
	}
	var deaths, discarded, innocent int
	var by, code string
	err = s.pool.QueryRow(ctx, `select (select count(*) from work.worker where dead_at is not null),
		count(*) filter (where state = 'discarded'), count(*) filter (where state = 'discarded' and args ->> 'how' <> 'dies'),
		coalesce(max(errors[array_upper(errors, 1)] ->> 'error') filter (where state = 'discarded'), ''),
		coalesce(max(errors[array_upper(errors, 1)] ->> 'code') filter (where state = 'discarded'), '')
		from river.river_job`).Scan(&deaths, &discarded, &innocent, &by, &code)
	if err != nil {
		return err
	}
	s.result.note("%d workers died of it; its last error: %s", deaths, by)
	if deaths != 3 || discarded != 1 || innocent != 0 || code != work.CodePoisonPill {
		s.result.fail("%d workers died and %d jobs were discarded, of which %d innocent; the code is %q", deaths, discarded, innocent, code)
	}
	s.noneRefused()
	return nil
}
