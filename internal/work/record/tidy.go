package record

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// tidyLock is the advisory lock under which one process at a time deletes: "tidy" in ASCII.
	tidyLock = 0x74696479
	// tidyStep is how many rows one statement deletes, so that it holds its locks and its connection only briefly.
	tidyStep = 5000
)

// Tidy deletes rows that are too old or too many, and cancels bulk acts that have waited for a confirmation for a day. Every process calls it
// about every minute: while one process deletes, the others find nothing to do.
func Tidy(ctx context.Context, pool *pgxpool.Pool) error {
	var errs []error // a table that is locked, or fails, does not keep the others from being tidied
	errs = append(errs, briefly(ctx, pool, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "select jobs.end_unanswered()")
		return err
	}))
	for _, old := range []struct{ table, where, order string }{
		{"work.attempt", "ended_at < now() - interval '1 day'", "ended_at"},
		{"work.request", "started_at < now() - interval '1 day'", "started_at"},
		{"work.minute", "minute < now() - interval '30 days'", "minute"},
		{"work.minute_release", "minute < now() - interval '30 days'", "minute"},
		{"work.ten_minutes", "at < now() - interval '90 days'", "at"},
		{"work.hour", "hour < now() - interval '90 days'", "hour"},
		{"work.backlog", "minute < now() - interval '30 days'", "minute"},
		{"work.error_hour", "hour < now() - interval '30 days'", "hour"},
		{"work.error", "last_seen_at < now() - interval '30 days' and " + notMuted, "last_seen_at"},
		{"work.audit", "at < now() - interval '400 days'", "at"}, // a year, and time to look back at it
		{"work.undo", "until < now() or " + ofEndedBulk, "audit_id"},
		{"work.bulk", "finished_at < now() - interval '400 days'", "finished_at"},
		{"work.worker", "coalesce(stopped_at, dead_at) < now() - interval '7 days'", "coalesce(stopped_at, dead_at)"},
		{"work.tick", "due_at < now() - interval '30 days'", "due_at"},
	} {
		_, err := deleteUpTo(ctx, pool, 1<<31, old.table, old.where, old.order)
		errs = append(errs, err)
	}
	for _, many := range []struct {
		most                int
		table, first, order string
	}{
		{500_000, "work.attempt", "outcome = 'completed'", "ended_at"},
		{100_000, "work.request", "true", "started_at"},
		{100_000, "work.tick", notOfTheLatest, "due_at"},
		{10_000, "work.error", notMuted + " and resolved_at is null", "last_seen_at"},
	} {
		errs = append(errs, keepAtMost(ctx, pool, many.most, many.table, many.first, many.order))
	}
	return errors.Join(errs...)
}

// ofEndedBulk selects the rows of bulk acts that can no longer be undone.
const ofEndedBulk = `until = 'infinity' and exists (
	select from work.audit a join work.bulk b on b.id = a.bulk_id where a.id = undo.audit_id and b.undo_until < now())`

// notOfTheLatest selects the rows of runs that are not among their schedule's last ten, which jobs.schedule shows.
const notOfTheLatest = `exists (select from work.tick later where later.schedule = tick.schedule and later.due_at > tick.due_at offset 9)`

// notMuted selects the errors that jobs.error does not show as muted.
const notMuted = `(muted_at is null or muted_until <= now() or muted_until_seen and last_seen_at > muted_at)`

// keepAtMost deletes the rows beyond most: first from those that the condition first selects, then from all.
func keepAtMost(ctx context.Context, pool *pgxpool.Pool, most int, table, first, order string) error {
	var excess int
	err := briefly(ctx, pool, func(ctx context.Context, tx pgx.Tx) error {
		return tx.QueryRow(ctx, "select count(*) - $1 from "+table, most).Scan(&excess)
	})
	if err != nil {
		return fmt.Errorf("count %s: %w", table, err)
	}
	for _, where := range []string{first, "true"} {
		deleted, err := deleteUpTo(ctx, pool, excess, table, where, order)
		if err != nil {
			return err
		}
		excess -= deleted
	}
	return nil
}

// deleteUpTo deletes at most most of the rows that where selects, in the given order and in steps. It ends early if another
// process is deleting.
func deleteUpTo(ctx context.Context, pool *pgxpool.Pool, most int, table, where, order string) (deleted int, err error) {
	sql := `with mine as materialized (select pg_try_advisory_xact_lock($1) as got)
		delete from ` + table + ` where (select got from mine) and ctid = any (array(
			select ctid from ` + table + ` where ` + where + ` order by ` + order + ` limit $2 for update skip locked))`
	for deleted < most {
		step := min(tidyStep, most-deleted)
		var tag pgconn.CommandTag
		err := briefly(ctx, pool, func(ctx context.Context, tx pgx.Tx) (err error) {
			tag, err = tx.Exec(ctx, sql, tidyLock, step)
			return err
		})
		if err != nil {
			return deleted, fmt.Errorf("tidy %s: %w", table, err)
		}
		deleted += int(tag.RowsAffected())
		if tag.RowsAffected() < int64(step) {
			break
		}
	}
	return deleted, nil
}
