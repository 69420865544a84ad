package bench

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Load is the result of a run of requests.
type Load struct {
	Took       []time.Duration // of the requests that succeeded, sorted
	Errors     int
	FirstError error
	Elapsed    time.Duration // from the first request to the last response
}

// Run makes requests in a closed loop: each of the callers, one per connection, sends its next request when it has the
// response to the last. It ends after the time during or when most requests were made (0: no limit), and waits for
// running ones. Each caller makes at least one request.
func Run(ctx context.Context, connections int, during time.Duration, most int, op Op) Load {
	var (
		next   atomic.Int64
		mu     sync.Mutex
		load   Load
		began  = time.Now()
		finish = began.Add(during)
		wait   sync.WaitGroup
	)
	for range connections {
		wait.Go(func() {
			var took []time.Duration
			var failed int
			var first error
			for i := 0; ; i++ {
				start := time.Now()
				if i > 0 && !start.Before(finish) || ctx.Err() != nil {
					break
				}
				n := int(next.Add(1) - 1)
				if most > 0 && n >= most {
					break
				}
				if err := op(ctx, n); err != nil {
					if failed++; first == nil {
						first = err
					}
					continue
				}
				took = append(took, time.Since(start))
			}
			mu.Lock()
			defer mu.Unlock()
			load.Took = append(load.Took, took...)
			load.Errors += failed
			if load.FirstError == nil {
				load.FirstError = first
			}
		})
	}
	wait.Wait()
	load.Elapsed = time.Since(began)
	slices.Sort(load.Took)
	return load
}
