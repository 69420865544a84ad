package drill

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// hog is a session that has an old snapshot and the rows of some jobs locked, and does nothing: a forgotten psql.
func hog(ctx context.Context, s *stage) error {
	s.result.Injected = "an idle transaction of 20 s that holds a snapshot, ten waiting jobs' rows and one running job's row"
	_, web, err := s.deployment(ctx, roleWorker, 2)
	if err != nil {
		return err
	}
	if err := s.judging(ctx); err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, s.url)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if err := s.enqueue(ctx, Step{Millis: 1500}); err != nil {
		return err
	}
	if err := s.until(ctx, readyLimit, "it runs", "select exists (select from river.river_job where state = 'running' and kind = 'drill_step')"); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, "begin isolation level repeatable read"); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, "select from river.river_job where state = 'running' and kind = 'drill_step' for update"); err != nil {
		return err
	}
	// Ten more come into being locked: they are made by the hog's own hand, which shows them to nobody before it locks them.
	if err := s.lockTen(ctx, conn); err != nil {
		return err
	}
	began := time.Now()
	const n = 1500
	l := s.send(ctx, web.name, n, 100, usual)
	<-l.done
	// Whatever is not locked comes to its end although the hog still sits there.
	others := `select count(*) = $1 from river.river_job where state = 'completed' and args ->> 'key' not like '%-own-%'`
	if err := s.until(ctx, 30*time.Second, "the others are done", others, n); err != nil {
		s.result.fail("beside the hog: %v", err)
	}
	s.result.note("%d others were done %.1f s after the hog sat down", n, time.Since(began).Seconds())
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

// lockTen enqueues ten jobs that are due in a moment and locks them before they are.
func (s *stage) lockTen(ctx context.Context, conn *pgx.Conn) error {
	keys := make([]Step, 10)
	if err := s.enqueue(ctx, keys...); err != nil {
		return err
	}
	// Workers may have been quicker: then there is less to lock, which the note says.
	tag, err := conn.Exec(ctx, "select from river.river_job where kind = 'drill_step' and finalized_at is null for update skip locked")
	if err != nil {
		return fmt.Errorf("lock waiting jobs: %w", err)
	}
	s.result.note("%d rows were locked besides", tag.RowsAffected())
	return nil
}
