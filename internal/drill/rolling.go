package drill

import (
	"context"
	"fmt"
	"math/rand/v2"
	"syscall"
	"time"
)

// rolling replaces every web process and every worker, three times over, under load. Nobody is to notice.
func rolling(ctx context.Context, s *stage) error {
	const rounds, rate = 3, 100
	s.result.Injected = fmt.Sprintf("SIGTERM to each web process and worker in turn, %d times, at %d requests a second", rounds, rate)
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
			return Step{Millis: 26_000} // longer than a stopping worker may go on: it is handed back
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

// unaware is how long, at most, a router goes on with a process that was told to stop. No platform promises a figure.
const unaware = 300 * time.Millisecond

// replace starts a successor, sends it requests, and stops its predecessor, as a platform's deploy does. The balancer
// learns of the stop a little later than the process.
func (s *stage) replace(ctx context.Context, old *process, front *balancer) (*process, error) {
	started, err := s.startReady(ctx, s.url, old.role)
	if err != nil {
		return nil, err
	}
	if front != nil {
		front.add(started[0].name)
	}
	began := time.Now()
	for range 1 + rand.IntN(3) { // several may come
		old.signal(syscall.SIGTERM)
	}
	if front != nil {
		pause(ctx, time.Duration(rand.Int64N(int64(unaware))))
		front.remove(old.name)
	}
	select {
	case <-old.done:
	case <-time.After(endLimit):
		return nil, fmt.Errorf("%s has not ended %s after SIGTERM", old.role.Name, endLimit)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if took := time.Since(began); took > endLimit-2*time.Second {
		s.result.fail("%s took %s to stop", old.role.Name, took)
	}
	if old.err != nil {
		s.result.fail("%s ended with %v", old.role.Name, old.err)
	}
	return started[0], nil
}
