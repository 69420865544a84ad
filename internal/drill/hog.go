package drill

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// hog is an idle session with an old snapshot that holds locks on the rows of some jobs, like a forgotten psql.
func hog(ctx context.Context, s *stage) error {
	s.result.Injected = "an idle transaction of 20 s that holds a snapshot, ten waiting jobs' rows and one running job's row"
	_, web, err := s.deployment(ctx, roleWorker, 2)
	if err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, s.url)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if err := s.lockRows(ctx, conn); err != nil {
		return err
	}
	began := time.Now()
	const n = 1500
	l := s.send(ctx, web.name, n, 100, usual)
	<-l.done
	asked := time.Since(began)
	// All jobs that are not locked end while the hog is still open.
	others := `select count(*) filter (where args ->> 'key' not like '%-own-%') = $1 and count(*) filter (where args ->> 'key' like '%-own-%') = 19
		from river.river_job where state = 'completed'`
	if err := s.until(ctx, 30*time.Second, "the others are done", others, n); err != nil {
		s.result.fail("with the hog: %v", err)
	}
	s.result.note("all %d others were done %.1f s after the hog began, of which the requests took %.1f s", n+19,
		time.Since(began).Seconds(), asked.Seconds())
	if left := 20*time.Second - time.Since(began); left > 0 {
		pause(ctx, left)
	}
	if _, err := conn.Exec(ctx, "rollback"); err != nil {
		return err
	}
	if err := s.settle(ctx); err != nil {
		return err
	}
	s.noneRefused()
	s.noneTaken()
	return nil
}

// lockRows occupies all slots, so that ten more jobs have to wait, and locks those and one running job.
func (s *stage) lockRows(ctx context.Context, conn *pgx.Conn) error {
	const slots, waiting = 20, 10
	steps := make([]Step, slots+waiting)
	for i := range steps {
		steps[i].Millis = 3000
	}
	if err := s.enqueue(ctx, steps...); err != nil {
		return err
	}
	err := s.until(ctx, readyLimit, "all slots are taken", "select count(*) = $1 from river.river_job where state = 'running' and kind = 'drill_step'", slots)
	if err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, "begin isolation level repeatable read"); err != nil {
		return err
	}
	tag, err := conn.Exec(ctx, `select from river.river_job where kind = 'drill_step' and (state = 'available'
		or id = (select min(id) from river.river_job where state = 'running' and kind = 'drill_step')) for update`)
	if err != nil {
		return fmt.Errorf("lock rows: %w", err)
	}
	if tag.RowsAffected() != waiting+1 {
		return fmt.Errorf("%d rows were locked instead of %d", tag.RowsAffected(), waiting+1)
	}
	return nil
}
