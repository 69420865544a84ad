package drill

import (
	"context"
	"time"

	"github.com/backlist/backlist/internal/work/pilot"
)

// silentBound is the promised rescue time for jobs of a worker that is silent, but whose connections are still open.
const silentBound = 15 * time.Second

// zombie stops a worker in the middle of its jobs, lets others rescue them, and continues it. Its outcomes are late
// then.
func zombie(ctx context.Context, s *stage) error {
	s.result.Injected = "SIGSTOP of a busy worker for 30 s, then SIGCONT; its jobs ignore the end of their context"
	posts, web, err := s.deployment(ctx, s.workerKind(), 3)
	if err != nil {
		return err
	}
	l := s.send(ctx, web.name, 600, 15, func(i int) Step {
		switch i % 6 {
		case 0:
			return Step{Millis: 1500, How: deaf} // it continues after SIGCONT, and tries to complete
		case 1:
			return Step{Millis: 1500}
		case 2:
			return Step{Millis: 200, How: ending} // some jobs are stopped with their row locked
		}
		return usual(i)
	})
	victim := posts[0].process()
	err = poll(ctx, readyLimit, "the victim is busy", func() bool { return s.journal.busy(victim.name) >= 4 })
	if err != nil {
		return err
	}
	victim.hit = time.Now()
	victim.Pause()
	pause(ctx, 30*time.Second)
	victim.Continue()
	<-l.done
	if err := s.settle(ctx); err != nil {
		return err
	}
	if s.NoFence {
		return nil
	}
	late, err := s.countLogs(pilot.CodeLate)
	if err != nil {
		return err
	}
	s.result.note("the continued worker ended %d attempts that were no longer its own; none changed anything", late)
	if late == 0 {
		s.result.fail("no attempt was late, so nothing was tested")
	}
	s.noneRefused()
	s.result.within(silentBound, slowest)
	return nil
}
