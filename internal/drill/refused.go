package drill

import (
	"context"
	"fmt"
	"math/rand/v2"
	"syscall"
	"time"
)

const (
	// Valid JSON that jsonb does not accept: half of a UTF-16 surrogate pair, and a number too large for numeric.
	surrogate = `"\ud83d"`
	enormous  = `1e999999`

	goodOutput = `{"pages": 12}`

	// stopBound is how long workers may take to stop if their jobs end at once.
	stopBound = 6 * time.Second
)

// refusals returns steps with an outcome that Postgres cannot store unchanged, because of their output, their other
// metadata or their error. Their attempts are completed by Finish, return, or fail.
func refusals() []Step {
	return []Step{
		{How: returned, Output: surrogate},
		{How: returned, Output: enormous},
		{How: returned, Note: surrogate},
		{Output: surrogate},
		{Output: enormous},
		{Note: enormous},
		{How: failed, Output: surrogate},
		{How: garbled},
	}
}

// refused runs some jobs with outcomes that the server refuses to store. Other jobs must not be affected.
func refused(ctx context.Context, s *stage) error {
	const every = 40
	n := 4000
	if s.Short {
		n = 800
	}
	bad := refusals()
	s.result.Injected = fmt.Sprintf("one job in %d with an output, metadata or an error that Postgres refuses to store, in %d ways", every, len(bad))
	webs, err := s.startReady(ctx, s.url, webRole)
	if err != nil {
		return err
	}
	workers, err := s.startReady(ctx, s.url, workersOf(roleWorker, 3, 10)...)
	if err != nil {
		return err
	}
	stopLate := s.watchLate(ctx)
	l := s.send(ctx, webs[0].name, n, 120, func(i int) Step {
		switch {
		case i%every == 0:
			step := bad[i/every%len(bad)]
			step.Millis = rand.IntN(50)
			return step
		case i%2 == 0:
			return Step{Millis: rand.IntN(50), How: returned, Output: goodOutput}
		}
		return usual(i)
	})
	<-l.done
	if err := s.until(ctx, 30*time.Second, "every outcome is stored", "select not exists (select from river.river_job where finalized_at is null)"); err != nil {
		s.result.fail("%v", err)
	}
	if err := s.noneLate(stopLate()); err != nil {
		return err
	}
	if err := s.stopRefused(ctx, workers); err != nil {
		return err
	}
	if err := s.settle(ctx); err != nil {
		return err
	}
	s.noneRefused()
	s.noneTaken()
	if err := s.noneElseSpent(ctx); err != nil {
		return err
	}
	return s.storedRefused(ctx)
}

// stopRefused stops all workers just after such jobs have ended. Each worker stores its outcomes before it ends.
func (s *stage) stopRefused(ctx context.Context, workers []*process) error {
	var last []Step
	for _, step := range refusals() {
		if step.How == failed || step.How == garbled {
			continue // these need a worker after this one
		}
		step.Millis = 300
		last = append(last, step, step, Step{Millis: 300, How: returned, Output: goodOutput})
	}
	if err := s.enqueue(ctx, last...); err != nil {
		return err
	}
	err := s.until(ctx, readyLimit, "the last jobs run", "select not exists (select from river.river_job where state = 'available')")
	if err != nil {
		return err
	}
	told := time.Now()
	for _, w := range workers {
		w.Signal(syscall.SIGTERM)
	}
	var longest time.Duration
	for _, w := range workers {
		took, err := s.ended(ctx, w, told)
		if err != nil {
			return err
		}
		longest = max(longest, took)
	}
	var left int
	if err := s.pool.QueryRow(ctx, "select count(*) from river.river_job where finalized_at is null").Scan(&left); err != nil {
		return err
	}
	s.result.note("the workers stopped within %.1f s, and left %d jobs without an outcome", longest.Seconds(), left)
	if longest > stopBound {
		s.result.fail("a worker took %.1f s to stop, more than %s", longest.Seconds(), stopBound)
	}
	if left > 0 {
		s.result.fail("%d jobs had no outcome after their workers had stopped", left)
	}
	_, err = s.startReady(ctx, s.url, workersOf(roleWorker, 1, 10)...) // for the jobs that are left
	return err
}

// storedRefused checks the stored outcomes: everything of good jobs, and of the others everything except the refused
// part, with an error instead.
func (s *stage) storedRefused(ctx context.Context) error {
	var bad, byDesign, good, silent, kept, again, lacking int
	err := s.pool.QueryRow(ctx, `
		with job as (
			select *, args ->> 'how' as how, args ->> 'output' as output, args ->> 'note' as note,
				coalesce(errors[array_upper(errors, 1)] ->> 'error', '') as error
			from river.river_job where kind = 'drill_step'
		), sorted as (
			select *, how in ('failed', 'garbled') as by_design,
				how in ('failed', 'garbled') or output not in ('', $1) or note <> '' as is_bad
			from job)
		select count(*) filter (where is_bad), count(*) filter (where by_design), count(*) filter (where not is_bad and output <> ''),
			count(*) filter (where is_bad and error = ''),
			count(*) filter (where is_bad and (metadata ? 'output' or metadata ? $2)),
			count(*) filter (where state <> 'completed' or attempt <> 1 + by_design::int),
			count(*) filter (where not is_bad and (error <> '' or output <> '' and metadata -> 'output' is distinct from $1::jsonb))
		from sorted`, goodOutput, noteKey).Scan(&bad, &byDesign, &good, &silent, &kept, &again, &lacking)
	if err != nil {
		return err
	}
	s.result.note("%d jobs had a refused outcome, and %d a good output", bad, good)
	if bad < len(refusals()) || byDesign == 0 || good == 0 {
		s.result.fail("not every sort of job ran, so little was tested")
	}
	if silent > 0 || kept > 0 {
		s.result.fail("of the jobs with a refused outcome, %d have no error for it, and %d have the refused part", silent, kept)
	}
	if again > 0 {
		s.result.fail("%d jobs did not complete with the expected attempt", again)
	}
	if lacking > 0 {
		s.result.fail("%d good jobs lack their output, or have an error", lacking)
	}
	return nil
}
