package crowd

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/mail"
)

// makeError makes a job fail, so that the console has an error to show: the delivery of a letter of a kind that is not known. It
// needs a worker.
func (g *guests) makeError(ctx context.Context) error {
	_, err := g.pool.Exec(ctx, `
		with letter as (
			insert into message (reader_id, kind, key, message_id, to_address)
			values (1, 'bench', 'bench:1', 'bench:1', 'reader-0@load.example') returning id
		)
		insert into river.river_job (kind, args, max_attempts, queue)
		select 'deliver_mail', jsonb_build_object('message_id', id), 12, $1 from letter`, mail.QueueName)
	if err != nil {
		return fmt.Errorf("enqueue a job that fails: %w", err)
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for began := time.Now(); ; {
		err := g.pool.QueryRow(ctx, "select fingerprint from jobs.error order by last_seen_at desc limit 1").Scan(&g.fingerprint)
		if !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		if time.Since(began) > time.Minute {
			return errors.New("the worker did not run a job within a minute")
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
