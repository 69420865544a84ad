package drill

import (
	"context"
	"fmt"
	"syscall"
	"time"
)

// scale shares jobs that wait 50 ms among one, two, four and eight workers. Each has one slot, so that the waiting is
// the limit and not this machine: eight workers with two slots would saturate two cores.
func scale(ctx context.Context, s *stage) error {
	const slots, seconds, perSlot = 1, 10, 20 // a slot does at most twenty such jobs a second
	s.result.Injected = fmt.Sprintf("nothing: 1, 2, 4 and 8 workers of %d slot, jobs that wait 50 ms", slots)
	var before float64
	for _, n := range []int{1, 2, 4, 8} {
		workers, err := s.startReady(ctx, s.url, workersOf(roleWorker, n, slots)...)
		if err != nil {
			return err
		}
		steps := make([]Step, n*slots*perSlot*seconds)
		for i := range steps {
			steps[i].Millis = 50
		}
		began := time.Now()
		if err := s.enqueue(ctx, steps...); err != nil {
			return err
		}
		enqueued := time.Now()
		if err := s.until(ctx, settleLimit, "all are done", "select not exists (select from river.river_job where finalized_at is null)"); err != nil {
			return err
		}
		rate := float64(len(steps)) / time.Since(enqueued).Seconds()
		least, most := len(steps), 0
		for _, w := range workers {
			least, most = min(least, s.journal.worked(w.name)), max(most, s.journal.worked(w.name))
		}
		note := fmt.Sprintf("%d workers: %.0f jobs a second, %d to %d jobs a worker (enqueued in %s)", n, rate, least, most,
			enqueued.Sub(began).Round(time.Millisecond))
		if before > 0 {
			note += fmt.Sprintf(", %.2f times that of half as many", rate/before)
			if rate/before < 1.9 {
				s.result.fail("%d workers did %.2f times what half of them did", n, rate/before)
			}
		}
		before = rate
		s.result.note("%s", note)
		if err := s.stopAll(ctx, workers); err != nil {
			return err
		}
	}
	if err := s.settle(ctx); err != nil {
		return err
	}
	if twice := s.journal.twice(); twice > 0 {
		s.result.fail("%d jobs were started twice", twice)
	}
	s.noneSpent()
	return nil
}

// stopAll stops workers with SIGTERM.
func (s *stage) stopAll(ctx context.Context, workers []*process) error {
	for _, w := range workers {
		w.Signal(syscall.SIGTERM)
	}
	for _, w := range workers {
		select {
		case <-w.Done():
		case <-time.After(endLimit):
			return fmt.Errorf("%s had not ended %s after SIGTERM", w.role.Name, endLimit)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
