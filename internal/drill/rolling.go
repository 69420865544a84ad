package drill

import (
	"context"
	"fmt"
	"math/rand/v2"
	"syscall"
	"time"
)

// rolling replaces every web process and every worker three times, under load. No client may notice.
func rolling(ctx context.Context, s *stage) error {
	const rounds, rate = 3, 100
	s.result.Injected = fmt.Sprintf("SIGTERM to each worker, and to each web process as it wakes from a SIGSTOP into a burst of requests, %d times, at %d requests a second",
		rounds, rate)
	front, err := s.balance()
	if err != nil {
		return err
	}
	var webs []*process
	for i := range 2 {
		p, err := s.startReady(ctx, s.url, Role{Kind: roleWeb, Name: fmt.Sprintf("web.%d", i+1), Pool: 2})
		if err != nil {
			return err
		}
		webs = append(webs, p[0])
		front.add(p[0].name)
	}
	workers, err := s.startReady(ctx, s.url, workersOf(roleWorker, 3, 10)...)
	if err != nil {
		return err
	}
	l := s.send(ctx, front.addr, 1_000_000, rate, func(i int) Step {
		if i < 3 {
			return Step{Millis: 26_000} // longer than a stopping worker may continue: the job is handed back
		}
		return usual(i)
	})
	defer l.stop()
	for range rounds {
		for i := range workers {
			if workers[i], err = s.replace(ctx, workers[i], nil); err != nil {
				return err
			}
		}
		for i := range webs {
			if webs[i], err = s.replace(ctx, webs[i], front); err != nil {
				return err
			}
		}
		pause(ctx, time.Duration(rand.Int64N(int64(time.Second))))
	}
	l.stop()
	<-l.done
	if err := s.settle(ctx); err != nil {
		return err
	}
	var handed int
	err = s.pool.QueryRow(ctx, "select count(*) from river.river_job where cardinality(attempted_by) > 1").Scan(&handed)
	if err != nil {
		return err
	}
	s.result.note("%d jobs were handed back by a worker that stopped", handed)
	if handed == 0 {
		s.result.fail("no job was long enough to be handed back")
	}
	s.noneRefused()
	s.noneSpent()
	s.noneTaken()
	return nil
}

// unaware is the longest time that a router continues to use a process that was told to stop. No platform promises a
// figure.
const unaware = 300 * time.Millisecond

// replace starts a new process, sends it requests, and stops the old one, like a platform's deploy. The balancer learns
// of the stop a little later than the process.
func (s *stage) replace(ctx context.Context, old *process, front *balancer) (*process, error) {
	started, err := s.startReady(ctx, s.url, old.role)
	if err != nil {
		return nil, err
	}
	if front != nil {
		front.add(started[0].name)
	}
	if front != nil {
		defer s.burst(ctx, old, front)()
	}
	began := time.Now()
	for range 1 + rand.IntN(3) { // a platform may send several
		old.Signal(syscall.SIGTERM)
	}
	old.Continue()
	if front != nil {
		pause(ctx, time.Duration(rand.Int64N(int64(unaware))))
		front.remove(old.name)
	}
	took, err := s.ended(ctx, old, began)
	if took > endLimit-2*time.Second {
		s.result.fail("%s took %s to stop", old.role.Name, took)
	}
	return started[0], err
}

// burst stops a process with SIGSTOP and sends many requests, so that some of them are on their way when the process
// continues: waiting to be accepted, or written to a connection that looked idle. The same happens to a process that
// gets no CPU for a moment. burst returns before the requests have ended; wait waits for them.
func (s *stage) burst(ctx context.Context, p *process, front *balancer) (wait func()) {
	const requests, rate = 200, 2000
	p.Pause()
	l := s.send(ctx, front.addr, requests, rate, func(int) Step { return Step{Millis: rand.IntN(50)} })
	pause(ctx, requests/2*time.Second/rate)
	return func() { <-l.done }
}

// ended waits until a process that was told to stop has ended, and returns how long that took.
func (s *stage) ended(ctx context.Context, p *process, told time.Time) (time.Duration, error) {
	select {
	case <-p.Done():
	case <-time.After(endLimit):
		return 0, fmt.Errorf("%s had not ended %s after SIGTERM", p.role.Name, endLimit)
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	if p.Err() != nil {
		s.result.fail("%s ended with %v", p.role.Name, p.Err())
	}
	return time.Since(told), nil
}
