package surface

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Act changes jobs, or a queue, a worker or an error.
type Act struct {
	Name, Did string
	function  string
	On        string   // jobs, QUEUE, WORKER or FINGERPRINT
	States    []string // the states that a filter without one stands for; if empty, the filter must name a state
	Help      string
}

// Acts returns every act.
func Acts() []Act {
	unfinished := []string{"available", "running", "scheduled", "retryable", "pending"}
	return []Act{
		{"retry", "retried", "retry", "jobs", []string{"discarded", "retryable", "cancelled"}, "run jobs again, now"},
		{"cancel", "cancelled", "cancel", "jobs", unfinished, "cancel jobs; those that run are told to stop"},
		{"run-now", "made due", "run_now", "jobs", []string{"scheduled", "retryable", "pending"}, "run jobs now that are for later"},
		{"discard", "discarded", "discard", "jobs", []string{"available", "scheduled", "retryable", "pending"}, "give jobs up for good"},
		{"snooze", "snoozed", "snooze", "jobs", []string{"available", "scheduled", "retryable"}, "put jobs off: --for or --until says how long"},
		{"delete", "deleted", "delete", "jobs", nil, "delete jobs"},
		{"pause", "paused", "pause", "QUEUE", nil, "stop taking jobs from a queue; '*' is every queue"},
		{"resume", "resumed", "resume", "QUEUE", nil, "take jobs from a queue again; '*' is every queue"},
		{"drain", "draining", "drain", "WORKER", nil, "let a worker finish its jobs and take no others"},
		{"undrain", "no longer draining", "undrain", "WORKER", nil, "let a worker take jobs again"},
		{"mute", "muted", "mute", "FINGERPRINT", nil, "mute an error"},
		{"unmute", "unmuted", "unmute", "FINGERPRINT", nil, "unmute an error"},
		{"resolve", "resolved", "resolve", "FINGERPRINT", nil, "mark an error as fixed"},
	}
}

// By is who acts, and why. Both are recorded in jobs.audit.
type By struct {
	Who, Reason string
	Until       string // the time of a snooze, as Postgres reads it; no other act has one
}

// Outcome is the result of an act on one job.
type Outcome struct {
	ID      int64
	State   *string // its state now; nil if the job does not exist
	Changed bool
	Note    *string // why it was left unchanged
	Code    *string // the same for programs: jobs.may documents the codes
}

// chunk is how many jobs are locked and changed in one transaction.
const chunk = 1000

// Jobs acts on jobs, a thousand in each transaction, and passes the outcomes of each thousand to done. An error leaves the
// chunks before it committed. It returns the entries of jobs.audit that undo these acts.
func (a Act) Jobs(ctx context.Context, db DB, ids []int64, by By, done func([]Outcome)) (entries []int64, err error) {
	for part := range slices.Chunk(ids, chunk) {
		var outcomes []Outcome
		err := by.transaction(ctx, db, func(tx pgx.Tx) error {
			call, args := "($1::bigint[], $2)", []any{part, by.Reason}
			if by.Until != "" {
				call, args = "($1::bigint[], $3::timestamptz, $2)", append(args, by.Until)
			}
			outcomes, err = query(ctx, tx, pgx.RowToStructByPos[Outcome], "select id, state, changed, note, code from jobs."+a.function+call, args...)
			if err != nil {
				return err
			}
			entry, err := query(ctx, tx, pgx.RowTo[int64], "select id from jobs.audit where "+ofThisTransaction+" and undo_until is not null")
			entries = append(entries, entry...)
			return err
		})
		if err != nil {
			return entries, err
		}
		done(outcomes)
	}
	return entries, nil
}

// ofThisTransaction is SQL that is true of the rows of jobs.audit that the transaction has written.
const ofThisTransaction = "at = now() and xid = pg_current_xact_id()::text::bigint"

// query returns the rows of a statement.
func query[T any](ctx context.Context, tx pgx.Tx, to pgx.RowToFunc[T], sql string, args ...any) ([]T, error) {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, to)
}

// Named acts on the queue, worker or error called name. It returns how many were changed: 0 if all were in that state already.
func (a Act) Named(ctx context.Context, db DB, name string, by By) (changed int, err error) {
	err = by.transaction(ctx, db, func(tx pgx.Tx) error {
		if a.On == "WORKER" {
			if name, err = workerNamed(ctx, tx, name); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, "select from jobs."+a.function+"($1, $2)", name, by.Reason); err != nil {
			return err
		}
		return tx.QueryRow(ctx, "select count(*) from jobs.audit where "+ofThisTransaction).Scan(&changed)
	})
	return changed, err
}

func (by By) transaction(ctx context.Context, db DB, fn func(tx pgx.Tx) error) error {
	return refused(pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "select set_config('jobs.who', $1, true)", by.Who); err != nil {
			return err
		}
		return fn(tx)
	}), true)
}

// workerNamed returns the id of the worker that name stands for: the id itself, or the name of a process, as in worker.2, of
// which one worker is alive.
func workerNamed(ctx context.Context, tx pgx.Tx, name string) (string, error) {
	rows, err := tx.Query(ctx, "select worker from jobs.worker where alive and process = $1 and not exists (select from jobs.worker where worker = $1)", name)
	if err != nil {
		return "", err
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	switch {
	case err != nil:
		return "", err
	case len(ids) > 1:
		return "", fmt.Errorf("several workers are called %s; name one by its id: %s", name, strings.Join(ids, ", "))
	case len(ids) == 1:
		return ids[0], nil
	}
	return name, nil
}
