package drill

import (
	"context"
	"time"
)

// naiveAfter is how long an attempt may take before it counts as lost.
const naiveAfter = 4 * time.Second

// rescueNaively rescues every job whose attempt began some time ago, without checking whether its worker lives. River's
// own rescuer does the same, but only every 30 s.
func (s *stage) rescueNaively(ctx context.Context) {
	s.result.Injected += "; River as it is, effects beside the job, rescue by the age of the attempt"
	ctx, stop := context.WithCancel(ctx)
	s.later(stop)
	go func() {
		tick := time.NewTicker(250 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			_, _ = s.pool.Exec(ctx, `update river.river_job set state = 'available', scheduled_at = now()
				where state = 'running' and attempted_at < now() - make_interval(secs => $1)`, naiveAfter.Seconds())
		}
	}()
}
