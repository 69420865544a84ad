package jobctl

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Act is something that can be done to jobs, or to a queue, a worker or an error.
type Act struct {
	Name, Did string
	function  string
	On        string   // what: jobs, QUEUE, WORKER or FINGERPRINT
	States    []string // of the jobs that a filter without a state means; none: it has to name one
	Help      string
}

// Acts returns all of them.
func Acts() []Act {
	unfinished := []string{"available", "running", "scheduled", "retryable", "pending"}
	return []Act{
		{"retry", "retried", "retry", "jobs", []string{"discarded", "retryable", "cancelled"}, "run jobs again, now"},
		{"cancel", "cancelled", "cancel", "jobs", unfinished, "cancel jobs; those that run are told to stop"},
		{"run-now", "made due", "run_now", "jobs", []string{"scheduled", "retryable", "pending"}, "run jobs now that are for later"},
		{"discard", "discarded", "discard", "jobs", []string{"available", "scheduled", "retryable", "pending"}, "give jobs up for good"},
		{"delete", "deleted", "delete", "jobs", nil, "delete jobs"},
		{"pause", "paused", "pause", "QUEUE", nil, "take nothing more from a queue; '*' is all of them"},
		{"resume", "resumed", "resume", "QUEUE", nil, "take from a queue again; '*' is all of them"},
		{"drain", "drains", "drain", "WORKER", nil, "let a worker finish what it runs, and take nothing more"},
		{"undrain", "takes jobs", "undrain", "WORKER", nil, "let a worker take jobs again"},
		{"mute", "muted", "mute", "FINGERPRINT", nil, "hear no more of an error"},
		{"unmute", "unmuted", "unmute", "FINGERPRINT", nil, "hear of an error again"},
		{"resolve", "resolved", "resolve", "FINGERPRINT", nil, "say that an error is mended"},
	}
}

// By is who acts, and why: it lands in jobs.audit.
type By struct {
	Who, Reason string
}

// Outcome is what became of one job.
type Outcome struct {
	ID      int64
	State   *string // now; nil where there is none
	Changed bool
	Note    *string // why it was left as it is
}

// chunk is how many jobs are locked and changed in one transaction.
const chunk = 1000

// Jobs acts on jobs, a thousand in a transaction, and tells done of each thousand. What was done stays if it is broken off.
func (a Act) Jobs(ctx context.Context, db DB, ids []int64, by By, done func([]Outcome)) error {
	for part := range slices.Chunk(ids, chunk) {
		var outcomes []Outcome
		err := by.transaction(ctx, db, func(tx pgx.Tx) error {
			rows, err := tx.Query(ctx, "select id, state, changed, note from jobs."+a.function+"($1::bigint[], $2)", part, by.Reason)
			if err != nil {
				return err
			}
			outcomes, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Outcome])
			return err
		})
		if err != nil {
			return err
		}
		done(outcomes)
	}
	return nil
}

// Named acts on the queue, worker or error of a name, and returns how many things it changed: 0 where all was so already.
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
		return tx.QueryRow(ctx, "select count(*) from jobs.audit where at = now() and xid = pg_current_xact_id()::text::bigint").Scan(&changed)
	})
	return changed, err
}

func (by By) transaction(ctx context.Context, db DB, fn func(tx pgx.Tx) error) error {
	return explained(pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "select set_config('jobs.who', $1, true)", by.Who); err != nil {
			return err
		}
		return fn(tx)
	}), true)
}

// workerNamed is the id of a worker that is named by it, or by its process's name, as in worker.2: of those that are alive
// there is one.
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
