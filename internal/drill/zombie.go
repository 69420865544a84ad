package drill

import (
	"context"
	"syscall"
	"time"
)

// silentBound is the promise for the jobs of a worker that says nothing any more, but whose connections seem to stand.
const silentBound = 15 * time.Second

// zombie stops a worker in the middle of its jobs, has others take them, and lets it go on. What it then brings is late.
func zombie(ctx context.Context, s *stage) error {
	s.result.Injected = "SIGSTOP of a busy worker for 30 s, then SIGCONT; its jobs do not mind that their context has ended"
	posts, web, err := s.deployment(ctx, s.workerKind(), 3)
	if err != nil {
		return err
	}
	l := s.send(ctx, web.name, 600, 15, func(i int) Step {
		switch i % 6 {
		case 0:
			return Step{Millis: 1500, How: deaf} // it goes on when it is woken, and wants to end
		case 1:
			return Step{Millis: 1500}
		case 2:
			return Step{Millis: 200, How: ending} // some are stopped with their row locked
		}
		return usual(i)
	})
	victim := posts[0].process()
	err = poll(ctx, readyLimit, "the victim is busy", func() bool { return s.journal.busy(victim.name) >= 4 })
	if err != nil {
		return err
	}
	victim.hit = time.Now()
	victim.signal(syscall.SIGSTOP)
	pause(ctx, 30*time.Second)
	victim.signal(syscall.SIGCONT)
	<-l.done
	if err := s.settle(ctx); err != nil {
		return err
	}
	if s.NoFence {
		return nil
	}
	late, err := s.countLogs("a late attempt was not recorded")
	if err != nil {
		return err
	}
	s.result.note("the worker that woke up ended %d attempts that were no longer its own; none changed anything", late)
	if late == 0 {
		s.result.fail("no attempt was late, so that nothing was tested")
	}
	s.noneRefused()
	s.result.within(silentBound, slowest)
	return nil
}
