package drill

import (
	"context"
	"fmt"
	"time"
)

// restart stops Postgres immediately and starts it again, under load. All workers lose their connections and locks at
// the same moment, but none has died.
func restart(ctx context.Context, s *stage) error {
	s.result.Injected = "SIGQUIT to Postgres (immediate stop) and start, under load; processes connect through a proxy, because the server's port changes"
	times, n := 3, 3000
	if s.Short {
		times, n = 1, 300
	}
	way, err := s.relay(s.url)
	if err != nil {
		return err
	}
	url := way.Through(s.url)
	webs, err := s.startReady(ctx, url, webRole)
	if err != nil {
		return err
	}
	posts, err := s.supervise(ctx, url, workersOf(roleWorker, 4, 10)...)
	if err != nil {
		return err
	}
	l := s.send(ctx, webs[0].name, n, 60, func(i int) Step {
		if i%10 == 0 {
			return Step{Millis: 4000} // some job is always running
		}
		return usual(i)
	})
	for i := range times {
		err := poll(ctx, readyLimit, "some load", func() bool { return l.asked() > n*i/times+n/times/3 })
		if err != nil {
			return err
		}
		if err := s.Postgres.Crash(); err != nil {
			return err
		}
		began := time.Now()
		if s.run.url, err = s.Postgres.Start(ctx); err != nil {
			return fmt.Errorf("start Postgres again: %w", err)
		}
		s.url = withDatabase(s.run.url, "drill_"+s.result.Scenario)
		s.pool.Close()
		if err := s.connect(ctx); err != nil {
			return err
		}
		way.Aim(hostOf(s.url))
		s.result.note("outage %d: Postgres was unavailable for at least %s", i+1, time.Since(began).Round(10*time.Millisecond))
	}
	<-l.done
	if err := s.settle(ctx); err != nil {
		return err
	}
	for _, p := range posts {
		if now := p.process(); now.role.Kind != roleWorker || !now.running() {
			s.result.fail("%s no longer runs", now.role.Name)
		}
	}
	s.noneTaken()
	return nil
}
