package drill

import (
	"context"
	"time"
)

// naiveAfter is how long an attempt may take before it is taken for lost.
const naiveAfter = 4 * time.Second

// rescueNaively gives every job to others whose attempt began some time ago, as River's own rescuer does (which looks
// every 30 s only): it asks neither who has the job nor whether he lives.
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
