package surface

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Act changes jobs, or a queue, a worker or an error.
type Act struct {
	Name, Did string
	function  string
	On        string   // jobs, QUEUE, WORKER or FINGERPRINT
	States    []string // the states of a filter that names none; if empty, the filter must name one
	Help      string
}

// Acts returns every act.
func Acts() []Act {
	unfinished := []string{"available", "running", "scheduled", "retryable", "pending"}
	return []Act{
		{"retry", "retried", "retry", "jobs", []string{"discarded", "retryable", "cancelled"}, "run jobs again, now"},
		{"cancel", "cancelled", "cancel", "jobs", unfinished, "cancel jobs; running ones are told to stop"},
		{"run-now", "made due", "run_now", "jobs", []string{"scheduled", "retryable", "pending"}, "run waiting jobs now"},
		{"discard", "discarded", "discard", "jobs", []string{"available", "scheduled", "retryable", "pending"}, "discard waiting jobs"},
		{"snooze", "snoozed", "snooze", "jobs", []string{"available", "scheduled", "retryable"}, "snooze waiting jobs: --for or --until says how long"},
		{"delete", "deleted", "delete", "jobs", nil, "delete jobs"},
		{"pause", "paused", "pause", "QUEUE", nil, "stop taking jobs from a queue; '*' is every queue"},
		{"resume", "resumed", "resume", "QUEUE", nil, "take jobs from a queue again; '*' is every queue"},
		{"drain", "draining", "drain", "WORKER", nil, "stop a worker taking jobs; running ones finish"},
		{"undrain", "no longer draining", "undrain", "WORKER", nil, "let a worker take jobs again"},
		{"mute", "muted", "mute", "FINGERPRINT", nil, "mute an error: for good, or as --for, --until or --until-seen says"},
		{"unmute", "unmuted", "unmute", "FINGERPRINT", nil, "unmute an error"},
		{"resolve", "resolved", "resolve", "FINGERPRINT", nil, "mark an error as fixed"},
	}
}

// ActNamed returns the act with this name.
func ActNamed(name string) (Act, error) {
	acts := Acts()
	i := slices.IndexFunc(acts, func(a Act) bool { return a.Name == name })
	if i < 0 {
		return Act{}, fmt.Errorf("there is no act %q", name)
	}
	return acts[i], nil
}

// Function returns what jobs.audit calls the act: the name of its function in schema jobs, as in run_now.
func (a Act) Function() string { return a.function }

// JobAct returns the act on jobs that jobs.audit calls name, as in run_now.
func JobAct(name string) (Act, bool) {
	for _, a := range Acts() {
		if a.On == "jobs" && a.function == name {
			return a, true
		}
	}
	return Act{}, false
}

// By says who acts, and why. jobs.audit records both.
type By struct {
	Who, Reason string
	Until       string        // the time of a snooze or the end of a mute, as Postgres reads it; empty for other acts
	For         time.Duration // or how long from now on the server's clock; 0 for other acts
	UntilSeen   bool          // the mute ends when the error is seen again
}

// Outcome is the result of an act on one job.
type Outcome struct {
	ID      int64
	State   *string // its state now; nil if the job does not exist
	Changed bool
	Note    *string // why it was left unchanged
	Code    *string // the same for programs: jobs.may documents the codes
}

// chunk is the number of jobs that one transaction locks and changes.
const chunk = 1000

// Jobs acts on jobs, a thousand in each transaction, and passes the outcomes of each thousand to done. If it returns an
// error, the transactions before it stay committed. It returns the entries of jobs.audit with which to undo the act.
func (a Act) Jobs(ctx context.Context, db DB, ids []int64, by By, done func([]Outcome)) (entries []int64, err error) {
	for part := range slices.Chunk(ids, chunk) {
		var outcomes []Outcome
		var entry []int64
		err = by.Transaction(ctx, db, func(tx pgx.Tx) error {
			call, args := "($1::bigint[], $2)", []any{part, by.Reason}
			switch {
			case by.Until != "":
				call, args = "($1::bigint[], $3::timestamptz, $2)", append(args, by.Until)
			case by.For > 0:
				call, args = "($1::bigint[], now() + $3::interval, $2)", append(args, by.For)
			}
			outcomes, err = query(ctx, tx, pgx.RowToStructByPos[Outcome], "select id, state, changed, note, code from jobs."+a.function+call, args...)
			if err != nil {
				return err
			}
			entry, err = query(ctx, tx, pgx.RowTo[int64], "select id from jobs.audit where "+ofThisTransaction+" and undo_until is not null")
			return err
		})
		if err != nil {
			return entries, err
		}
		entries = append(entries, entry...)
		done(outcomes)
	}
	return entries, nil
}

// ofThisTransaction is an SQL condition for the rows of jobs.audit that this transaction has written.
const ofThisTransaction = "at = now() and xid = pg_current_xact_id()::text::bigint"

// query returns the rows of a statement.
func query[T any](ctx context.Context, tx pgx.Tx, to pgx.RowToFunc[T], sql string, args ...any) ([]T, error) {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, to)
}

// Named acts on the queue, worker or error called name. It returns the number changed: 0 if all were already in that state.
func (a Act) Named(ctx context.Context, db DB, name string, by By) (changed int, err error) {
	err = by.Transaction(ctx, db, func(tx pgx.Tx) error {
		if a.On == "WORKER" {
			if name, err = workerNamed(ctx, tx, name); err != nil {
				return err
			}
		}
		call, args := "($1, $2)", []any{name, by.Reason}
		switch { // a mute that ends
		case by.Until != "":
			call, args = "($1, $2, $3::timestamptz, $4)", append(args, by.Until, by.UntilSeen)
		case by.For > 0:
			call, args = "($1, $2, now() + $3::interval, $4)", append(args, by.For, by.UntilSeen)
		case by.UntilSeen:
			call = "($1, $2, until_seen => true)"
		}
		if _, err := tx.Exec(ctx, "select from jobs."+a.function+call, args...); err != nil {
			return err
		}
		return tx.QueryRow(ctx, "select count(*) from jobs.audit where "+ofThisTransaction).Scan(&changed)
	})
	return changed, err
}

// Transaction runs fn in a transaction whose acts jobs.audit records as those of Who. An error of the database becomes a Refusal.
func (by By) Transaction(ctx context.Context, db DB, fn func(tx pgx.Tx) error) error {
	return refused(pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "select set_config('jobs.who', $1, true)", by.Who); err != nil {
			return err
		}
		return fn(tx)
	}), true)
}

// workerNamed returns the id of the worker that name stands for: its id, or the name of its process, as in worker.2, if one
// worker of that name is alive.
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
