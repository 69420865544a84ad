package drill

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
)

// locked opens outside sessions that lock rows of running jobs. Only these jobs may wait. Meanwhile a worker is killed,
// jobs are retried, and finished jobs become old enough to be deleted.
func locked(ctx context.Context, s *stage) error {
	const visitors, visits, hold, rate = 4, 2, 30 * time.Second, 60
	s.result.Injected = fmt.Sprintf("%d sessions that lock three rows of running jobs each, at random, for %s, %d times; and SIGKILL of a worker of which some jobs are locked and some are not",
		visitors, hold, visits)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // no outside session outlasts the scenario
	// A job whose row is locked when it calls Finish keeps a connection of its pool until the row is free. These pools have
	// one for each job, so that only outcomes that are stored together can suffer. A quarter of a process's connections is
	// the worker's own.
	roles := workersOf(roleWorker, 3, 10)
	for i := range roles {
		roles[i].Pool = roles[i].Slots + 3
	}
	webs, err := s.startReady(ctx, s.url, webRole)
	if err != nil {
		return err
	}
	if _, err := s.supervise(ctx, s.url, roles...); err != nil {
		return err
	}
	if err := s.judging(ctx); err != nil {
		return err
	}
	old, err := s.comeOfAge(ctx)
	if err != nil {
		return err
	}
	stopLate := s.watchLate(ctx)
	l := s.send(ctx, webs[0].name, 1_000_000, rate, func(i int) Step {
		switch {
		case i%30 == 1:
			return Step{How: failed}
		case i%2 == 0:
			return Step{Millis: rand.IntN(400), How: returned, Output: goodOutput}
		}
		return usual(i)
	})
	defer l.stop()
	gone := s.visitors(ctx, visitors, visits, hold)
	if err := s.killHalfLocked(ctx); err != nil {
		return err
	}
	if err := old.cleaned(ctx); err != nil {
		s.result.fail("%v", err)
	}
	waited := gone()
	l.stop()
	<-l.done
	if err := s.settle(ctx); err != nil {
		return err
	}
	if err := s.noneLate(stopLate()); err != nil {
		return err
	}
	s.result.note("%d jobs were locked; %d ended before their locks were released", s.outsiders.all(), waited)
	if waited < visitors {
		s.result.fail("only %d jobs ended while their rows were locked, so little was tested", waited)
	}
	s.noneRefused()
	s.result.within(rescueBound, p99)
	if s.result.Woken > 0 {
		s.result.fail("%d live workers were declared dead", s.result.Woken)
	}
	return s.noneElseSpent(ctx)
}

// visitors opens and closes outside sessions. gone waits for the last, and returns how many jobs ended while they were
// locked.
func (s *stage) visitors(ctx context.Context, n, visits int, hold time.Duration) (gone func() (waited int)) {
	var sitting sync.WaitGroup
	var waited atomic.Int64
	for range n {
		sitting.Go(func() {
			for range visits {
				pause(ctx, time.Duration(rand.Int64N(int64(4*time.Second))))
				n, err := s.lock(ctx, hold)
				if err != nil && ctx.Err() == nil {
					s.result.fail("an outside session: %v", err)
				}
				waited.Add(int64(n))
			}
		})
	}
	return func() int {
		sitting.Wait()
		return int(waited.Load())
	}
}

// killHalfLocked kills a worker that has both locked and unlocked jobs.
func (s *stage) killHalfLocked(ctx context.Context) error {
	var id string
	err := poll(ctx, readyLimit, "a worker has jobs that are locked and jobs that are not", func() bool {
		return s.pool.QueryRow(ctx, `select attempted_by[array_upper(attempted_by, 1)] from river.river_job where state = 'running' and kind = 'drill_step'
			group by 1 having count(*) filter (where id = any ($1)) >= 1 and count(*) filter (where id <> all ($1)) >= 3 limit 1`,
			s.outsiders.locked()).Scan(&id) == nil
	})
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.processes, func(p *process) bool { return p.running() && p.name == id })
	if i < 0 {
		return fmt.Errorf("%s is not one of ours", id)
	}
	s.processes[i].hit = time.Now()
	s.processes[i].Kill()
	return nil
}

// aged are finished jobs that are old enough to be deleted, some of which an outside session has locked.
type aged struct {
	s    *stage
	conn *pgx.Conn
}

const agedJobs, agedLocked = 200, 5

// comeOfAge inserts finished jobs that are old enough to be deleted, and locks some.
func (s *stage) comeOfAge(ctx context.Context) (*aged, error) {
	conn, err := pgx.Connect(ctx, s.url)
	if err != nil {
		return nil, err
	}
	s.later(func() { _ = conn.Close(context.WithoutCancel(ctx)) })
	_, err = conn.Exec(ctx, `insert into river.river_job (kind, args, state, max_attempts, attempt, created_at, attempted_at, finalized_at)
		select 'drill_aged', '{}', 'completed', 25, 1, at, at, at from (select now() - interval '60 days' - interval '1 s' * n as at from generate_series(1, $1) n) _`,
		agedJobs)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Exec(ctx, "begin"); err != nil {
		return nil, err
	}
	// The oldest, because clean-up deletes these first.
	_, err = conn.Exec(ctx, "select from river.river_job where kind = 'drill_aged' order by finalized_at limit $1 for update", agedLocked)
	return &aged{s, conn}, err
}

// cleaned waits until all but the locked ones are deleted, and releases the locks.
func (a *aged) cleaned(ctx context.Context) error {
	err := a.s.until(ctx, 90*time.Second, "finished jobs that are too old are deleted, beside locked ones",
		"select count(*) = $1 from river.river_job where kind = 'drill_aged'", agedLocked)
	_, rollback := a.conn.Exec(ctx, "rollback")
	if err == nil {
		err = rollback
	}
	return err
}
