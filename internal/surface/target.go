package surface

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// SetWaitTarget sets the wait target of a queue: the share of its jobs that should start within a duration, which is written as
// Postgres reads it. It reports whether the target changed.
func SetWaitTarget(ctx context.Context, db DB, queue, within string, share float64, by By) (changed bool, err error) {
	err = by.Transaction(ctx, db, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, "select changed from jobs.set_wait_target($1, $2::text::interval, $3, $4)", queue, within, share, by.Reason).Scan(&changed)
	})
	return changed, err
}

// ClearWaitTarget removes the wait target of a queue. It reports whether there was one.
func ClearWaitTarget(ctx context.Context, db DB, queue string, by By) (changed bool, err error) {
	err = by.Transaction(ctx, db, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, "select changed from jobs.clear_wait_target($1, $2)", queue, by.Reason).Scan(&changed)
	})
	return changed, err
}
