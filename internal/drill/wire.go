package drill

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/backlist/backlist/internal/relay"
)

// wire disturbs the connections between workers and Postgres, for each worker separately.
func wire(ctx context.Context, s *stage) error {
	s.result.Injected = "connections through a proxy for each worker: reset, delayed by up to 300 ms a piece, half-closed to either side, silent for up to 4 s, and once for 14 s"
	webs, err := s.startReady(ctx, s.url, webRole)
	if err != nil {
		return err
	}
	var ways []*relay.Relay
	for _, role := range workersOf(roleWorker, 4, 10) {
		way, err := s.relay(s.url)
		if err != nil {
			return err
		}
		ways = append(ways, way)
		if _, err := s.supervise(ctx, way.Through(s.url), role); err != nil {
			return err
		}
	}
	if err := s.judging(ctx); err != nil {
		return err
	}
	l := s.send(ctx, webs[0].name, 4000, 80, func(i int) Step {
		if i%40 == 0 {
			return Step{Millis: 100, How: ending}
		}
		return usual(i)
	})
	var faults int
	for l.asked() < 3900 && ctx.Err() == nil {
		disturb(ctx, ways[rand.IntN(len(ways))], faults)
		faults++
	}
	<-l.done
	if err := s.settle(ctx); err != nil {
		return err
	}
	s.result.note("%d faults; %d attempts were rescued from workers whose connection was gone for more than 2 s", faults, s.result.Rescued)
	s.noneRefused()
	return nil
}

// disturb injects the nth fault into one worker's connections.
func disturb(ctx context.Context, way *relay.Relay, n int) {
	some := func(most time.Duration) time.Duration { return time.Duration(rand.Int64N(int64(most))) }
	switch n % 6 {
	case 0:
		way.Cut()
	case 1:
		way.Slow(some(300 * time.Millisecond))
		pause(ctx, some(2*time.Second))
		way.Slow(0)
	case 2:
		way.Halve(true)
	case 3:
		way.Halve(false)
	case 4:
		way.Hush()
		pause(ctx, some(4*time.Second))
		way.Flow()
	case 5:
		if n == 11 {
			way.Hush()
			pause(ctx, 14*time.Second)
			way.Flow()
		}
	}
	pause(ctx, some(600*time.Millisecond))
}
