package surface

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// SetScale sets how many workers of a process type may run and how long a job should wait at most, which is written as Postgres reads
// it. The budget and the queues stay as they are. It reports whether the target changed.
func SetScale(ctx context.Context, db DB, processType, maxWait string, least, most int, by By) (changed bool, err error) {
	err = by.Transaction(ctx, db, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `select jobs.set_scale($1, $2::text::interval, $3, $4, t.budget, coalesce(t.queues, '{}'), $5)
			from (select) one left join jobs.scale t on t.process_type = $1`, processType, maxWait, least, most, by.Reason).Scan(&changed)
	})
	return changed, err
}

// SetScaleMode sets whether the number of workers of a process type is off, only advised, or on. It reports whether that changed.
func SetScaleMode(ctx context.Context, db DB, processType, mode string, by By) (changed bool, err error) {
	err = by.Transaction(ctx, db, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, "select jobs.set_scale_mode($1, $2, $3)", processType, mode, by.Reason).Scan(&changed)
	})
	return changed, err
}
