package drill

import (
	"context"
	"math/rand/v2"
	"time"
)

// rescueBound is the promised 99th percentile of the rescue of a killed worker's jobs.
const rescueBound = 3 * time.Second

// kill kills workers with SIGKILL at random moments, under load.
func kill(ctx context.Context, s *stage) error {
	s.result.Injected = "SIGKILL of busy workers at random moments; each is started again at once"
	posts, web, err := s.deployment(ctx, s.workerKind(), 4)
	if err != nil {
		return err
	}
	rate := min(250, float64(s.Jobs)/float64(s.Kills)*1.5)
	gap := time.Duration(float64(s.Jobs) / rate / float64(s.Kills) * float64(time.Second))
	l := s.send(ctx, web.name, s.Jobs, rate, usual)
	for range s.Kills {
		pause(ctx, time.Duration(rand.Int64N(int64(2*gap))))
		if err := s.killBusy(ctx, posts); err != nil {
			return err
		}
	}
	<-l.done
	if err := s.settle(ctx); err != nil {
		return err
	}
	s.result.note("%d kills of %d workers at %.0f requests a second", s.Kills, len(posts), rate)
	if s.NoFence {
		return nil
	}
	s.noneRefused()
	if bound := rescueBound; s.Short {
		s.result.within(5*bound, slowest) // a few kills are too few for percentiles
	} else {
		s.result.within(bound, p99)
	}
	return nil
}

// deployment starts one web process and some workers, which are restarted when they end, and waits until workers may be
// declared dead.
func (s *stage) deployment(ctx context.Context, kind string, workers int) (posts []*post, web *process, err error) {
	webs, err := s.startReady(ctx, s.url, webRole)
	if err != nil {
		return nil, nil, err
	}
	if posts, err = s.supervise(ctx, s.url, workersOf(kind, workers, 10)...); err != nil {
		return nil, nil, err
	}
	if s.NoFence {
		s.rescueNaively(ctx)
	}
	return posts, webs[0], s.judging(ctx)
}

func (s *stage) workerKind() string {
	if s.NoFence {
		return roleUnfenced
	}
	return roleWorker
}

// noneRefused fails the scenario if a request failed. It is for faults that do not affect web processes.
func (s *stage) noneRefused() {
	if s.result.Refused > 0 {
		s.result.fail("%d requests failed, the first: %q", s.result.Refused, s.sent.reasons)
	}
}

// noneSpent fails the scenario if a fault cost a job an attempt.
func (s *stage) noneSpent() {
	if s.result.Spent > 0 {
		s.result.fail("%d attempts were spent", s.result.Spent)
	}
}

// noneElseSpent is like noneSpent, but allows steps that fail by design. It quotes another error, if there is one.
func (s *stage) noneElseSpent(ctx context.Context) error {
	var byDesign int
	var other string
	err := s.pool.QueryRow(ctx, `select count(*) filter (where args ->> 'how' in ($1, $2)),
		coalesce(min((select min(e ->> 'error') from unnest(errors) e where e ->> 'code' is null))
			filter (where args ->> 'how' not in ($1, $2) and attempt > 1), '')
		from river.river_job where kind in ('drill_step', 'drill_small')`, failed, garbled).Scan(&byDesign, &other)
	if s.result.Spent > byDesign {
		s.result.fail("%d attempts were spent, of which %d failed by design; an error of others: %q", s.result.Spent, byDesign, other)
	}
	return err
}

// noneTaken fails the scenario if a worker was declared dead. It is for faults that all workers survive.
func (s *stage) noneTaken() {
	if s.result.Rescued > 0 || s.result.Woken > 0 {
		s.result.fail("%d live workers were declared dead, and %d of their jobs rescued", s.result.Woken, s.result.Rescued)
	}
}
