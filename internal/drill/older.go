package drill

import (
	"context"
	"time"
)

// older runs a worker that never registers, like one of an older release, together with ours. It keeps its jobs while
// it lives, also while our workers rescue each other's jobs.
func older(ctx context.Context, s *stage) error {
	s.result.Injected = "a worker that runs River as it is and does not register, beside ours, of which one is killed"
	_, web, err := s.deployment(ctx, roleWorker, 2)
	if err != nil {
		return err
	}
	doomed, err := s.startReady(ctx, s.url, Role{Kind: roleWorker, Name: "worker.7", Slots: 10, Pool: workerPool})
	if err != nil {
		return err
	}
	stranger, err := s.startReady(ctx, s.url, Role{Kind: roleOlder, Name: "older.1", Slots: 10, Pool: workerPool})
	if err != nil {
		return err
	}
	l := s.send(ctx, web.name, 240, 6, func(i int) Step { return Step{Millis: 1000 + i%5*1500} })
	err = poll(ctx, readyLimit, "both are busy", func() bool {
		return s.journal.busy(stranger[0].name) >= 3 && s.journal.busy(doomed[0].name) > 0
	})
	if err != nil {
		return err
	}
	doomed[0].hit = time.Now()
	doomed[0].Kill()
	<-l.done
	if err := s.settle(ctx); err != nil {
		return err
	}
	var taken int
	err = s.pool.QueryRow(ctx, "select count(*) from river.river_job where $1 = any (attempted_by) and attempted_by[array_upper(attempted_by, 1)] <> $1",
		stranger[0].name).Scan(&taken)
	if err != nil {
		return err
	}
	s.result.note("the worker without registration ran %d jobs; %d were taken from it", s.journal.worked(stranger[0].name), taken)
	if taken > 0 || s.journal.worked(stranger[0].name) == 0 {
		s.result.fail("%d jobs were taken from the worker without registration", taken)
	}
	s.noneRefused()
	s.noneSpent()
	s.result.within(rescueBound, p99)
	return nil
}
