package drill

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/bench"
)

// clock runs Postgres with a clock seven minutes ahead of all workers, then seven minutes behind. Jobs fail once, are
// handed back and rescued; none of them may wait until the clocks agree.
func clock(ctx context.Context, s *stage) error {
	s.result.Injected = "Postgres with a wall clock 7 min ahead of, then 7 min behind, its workers (LD_PRELOAD of a shim over the C library's clock); the workers' own clocks were not touched"
	for _, by := range []time.Duration{7 * time.Minute, -7 * time.Minute} {
		if err := s.clockOff(ctx, by); err != nil {
			return fmt.Errorf("%s: %w", by, err)
		}
	}
	return nil
}

// clockOff runs on its own server. Its result is merged into the scenario's.
func (s *stage) clockOff(ctx context.Context, by time.Duration) error {
	url, stop, err := s.Postgres.Shifted(ctx, by)
	if err != nil {
		return err
	}
	other := &run{Config: s.Config, url: url}
	defer func() {
		if err := stop(); err != nil {
			s.result.fail("stop the server: %v", err)
		}
	}()
	if err := other.makeTemplate(ctx); err != nil {
		return err
	}
	name := "clock_ahead"
	if by < 0 {
		name = "clock_behind"
	}
	scene, err := other.newStage(ctx, name)
	if err != nil {
		return err
	}
	err = scene.clockPlay(ctx, by)
	scene.close()
	s.result.merge(scene.result)
	return err
}

func (s *stage) clockPlay(ctx context.Context, by time.Duration) error {
	var off float64
	if err := s.pool.QueryRow(ctx, "select extract(epoch from clock_timestamp())::float8 - $1", float64(time.Now().UnixMicro())/1e6).Scan(&off); err != nil {
		return err
	}
	if d := off - by.Seconds(); d < -5 || d > 5 {
		return fmt.Errorf("the server's clock is off by %.0f s", off)
	}
	posts, web, err := s.deployment(ctx, roleWorker, 3)
	if err != nil {
		return err
	}
	const n = 600
	l := s.send(ctx, web.name, n, 60, func(i int) Step {
		if i%20 == 0 {
			return Step{Millis: 20, How: failed}
		}
		return usual(i)
	})
	if err := poll(ctx, readyLimit, "some load", func() bool { return l.asked() > n/3 }); err != nil {
		return err
	}
	if err := s.killBusy(ctx, posts); err != nil {
		return err
	}
	<-l.done
	began := time.Now()
	if err := s.until(ctx, 30*time.Second, "all are done", "select not exists (select from river.river_job where finalized_at is null)"); err != nil {
		var waiting int
		_ = s.pool.QueryRow(ctx, "select count(*) from river.river_job where finalized_at is null").Scan(&waiting)
		s.result.fail("%d jobs wait until the clocks agree", waiting)
	}
	retries, err := s.retries(ctx)
	if err != nil {
		return err
	}
	s.result.note("clock off by %.0f s: all done %.1f s after the last request; a failed job's next attempt came after %.2f s (median of %d)",
		off, time.Since(began).Seconds(), bench.Percentile(retries, 0.5).Seconds(), len(retries))
	if err := s.reconcile(ctx); err != nil {
		return err
	}
	s.noneRefused()
	s.result.within(rescueBound, p99)
	if half := bench.Percentile(retries, 0.5); half < 700*time.Millisecond || half > 15*time.Second {
		s.result.fail("a failed job is retried after %s, not after about a second", half)
	}
	return nil
}

// retries returns the sorted times from the start of each attempt that failed by design to the next.
func (s *stage) retries(ctx context.Context) (times []time.Duration, err error) {
	rows, _ := s.pool.Query(ctx, "select id from river.river_job where args ->> 'how' = $1", failed)
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	for _, id := range ids {
		times = append(times, s.journal.waits(id)...)
	}
	slices.Sort(times)
	return times, err
}
