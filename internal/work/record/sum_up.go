package record

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/db"
)

//go:embed sql/sum_hours.sql
var sumHoursSQL string

//go:embed sql/sum_ten_minutes.sql
var sumTenMinutesSQL string

//go:embed sql/backlog.sql
var backlogSQL string

const (
	// sumLock is the advisory lock under which one process at a time sums up: "sums" in ASCII.
	sumLock = 0x73756d73
	// backlogLock is the one under which one process counts the backlog: "back" in ASCII.
	backlogLock = 0x6261636b
	// sumFor is how long one call catches up after a downtime, in steps of six hours: attempts are not written meanwhile.
	sumFor = time.Second
)

// SumUp sums up complete minutes by ten minutes and by hour. Every process calls it about every minute: while one process sums
// up, the others do nothing. After a downtime, several calls catch up.
func SumUp(ctx context.Context, pool *pgxpool.Pool) error {
	var errs []error // a table that is locked does not keep the other from being written
	for _, sums := range []struct{ table, sql string }{{"work.ten_minutes", sumTenMinutesSQL}, {"work.hour", sumHoursSQL}} {
		more := true
		for began := time.Now(); more && time.Since(began) < sumFor; {
			err := briefly(ctx, pool, func(ctx context.Context, tx pgx.Tx) error {
				// In a statement of its own: the next one must see what the last process to have the lock has written.
				if err := tx.QueryRow(ctx, "select pg_try_advisory_xact_lock($1)", sumLock).Scan(&more); err != nil || !more {
					return err
				}
				return tx.QueryRow(ctx, sums.sql).Scan(&more)
			})
			if err != nil {
				errs = append(errs, fmt.Errorf("sum up %s: %w", sums.table, err))
				break
			}
		}
	}
	return errors.Join(errs...)
}

// countBacklog writes how many jobs are unfinished, if no other process has done so in this minute.
func countBacklog(ctx context.Context, pool *pgxpool.Pool, schema string) error {
	err := briefly(ctx, pool, func(ctx context.Context, tx pgx.Tx) error {
		// Of some ten million waiting jobs there is no count; jobs must not wait for the connection.
		if _, err := tx.Exec(ctx, "set local statement_timeout = '3s'"); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, db.Statement(backlogSQL, schema), pgx.NamedArgs{"lock": backlogLock})
		return err
	})
	if err != nil {
		return fmt.Errorf("count the backlog: %w", err)
	}
	return nil
}
