package drill

import (
	"context"
	"math/rand/v2"
	"time"
)

// rescueBound is the promise for the jobs of a worker that was killed, at the 99th percentile.
const rescueBound = 3 * time.Second

// kill ends workers with SIGKILL at random moments, under load.
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
		s.result.within(5*bound, slowest) // a few kills say nothing about percentiles
	} else {
		s.result.within(bound, p99)
	}
	return nil
}

// deployment is one web process and some workers that are kept running, old enough that any of them may be declared dead.
func (s *stage) deployment(ctx context.Context, kind string, workers int) (posts []*post, web *process, err error) {
	webs, err := s.startReady(ctx, s.url, webRole)
	if err != nil {
		return nil, nil, err
	}
	if posts, err = s.keep(ctx, s.url, workersOf(kind, workers, 10)...); err != nil {
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

// noneRefused is for faults that web processes have no part in.
func (s *stage) noneRefused() {
	if s.result.Refused > 0 {
		s.result.fail("%d requests failed, the first: %q", s.result.Refused, s.sent.reasons)
	}
}

// noneSpent is for faults that are nobody's error.
func (s *stage) noneSpent() {
	if s.result.Spent > 0 {
		s.result.fail("%d attempts were spent", s.result.Spent)
	}
}

// noneElseSpent is the same beside steps that fail by design. It quotes an error that was not meant, if a job has one.
func (s *stage) noneElseSpent(ctx context.Context) error {
	var byDesign int
	var other string
	err := s.pool.QueryRow(ctx, `select count(*) filter (where args ->> 'how' in ($1, $2)),
		coalesce(min((select min(e ->> 'error') from unnest(errors) e where e ->> 'error' not like 'the worker % died%'))
			filter (where args ->> 'how' not in ($1, $2) and attempt > 1), '')
		from river.river_job where kind = 'drill_step'`, failed, garbled).Scan(&byDesign, &other)
	if s.result.Spent > byDesign {
		s.result.fail("%d attempts were spent, of which %d failed by design; an error of others: %q", s.result.Spent, byDesign, other)
	}
	return err
}

// noneTaken is for faults in which every worker lives on.
func (s *stage) noneTaken() {
	if s.result.Rescued > 0 || s.result.Woken > 0 {
		s.result.fail("workers that lived were declared dead: %d, and %d jobs were taken from them", s.result.Woken, s.result.Rescued)
	}
}
