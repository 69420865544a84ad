package record

import (
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/trace"
	"github.com/backlist/backlist/internal/work/bound"
	"github.com/backlist/backlist/internal/work/metadata"
)

//go:embed sql/contested.sql
var contestedSQL string

// writeTimeout bounds the transaction of a batch.
const writeTimeout = 10 * time.Second

// attemptColumns lists the columns of work.attempt, in the order of Attempt.row.
var attemptColumns = []string{
	"job_id", "attempt", "kind", "queue", "outcome", "worker", "release", "request_id", "parent_id",
	"due_at", "started_at", "ended_at", "error", "code", "trace", "fingerprint", "steps",
}

func (a *Attempt) row() []any {
	var steps []byte
	if a.Steps != nil {
		steps = stepsJSON(a.Steps)
	}
	return []any{
		a.JobID, a.Number, a.Kind, a.Queue, a.Outcome, a.Worker, a.Release, orNull(bound.Text(a.Origin.RequestID, bound.Name)), orNull(a.Origin.ParentID),
		a.Due, a.Started, a.Started.Add(a.Run), orNull(a.Err), orNull(a.Code), orNull(a.Stack), orNull(a.finger), steps,
	}
}

// named returns the row by the names of its columns.
func (a *Attempt) named() pgx.NamedArgs {
	args := pgx.NamedArgs{}
	for i, v := range a.row() {
		args[attemptColumns[i]] = v
	}
	return args
}

// stepsJSON returns nil for a trace without steps.
func stepsJSON(t *trace.Trace) (text []byte) {
	if list := t.Steps(); len(list) > 0 {
		text, _ = json.Marshal(list) // names and numbers
	}
	return text
}

// orNull returns nil for the zero value.
func orNull[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// write stores a batch whole or not at all: the attempts, and what they add to minutes and errors. Sums whose rows are locked
// are owed, and added with a later batch. If the answer to an earlier try was lost, its transaction may still run in the server:
// both take the recorder's advisory lock, so this one waits for it, and does not write again what it committed.
func (r *Recorder) write(ctx context.Context, b *batch) error {
	fingerprints(b.attempts)
	err := briefly(ctx, r.pool, func(ctx context.Context, tx pgx.Tx) error {
		within, err := r.lock(ctx, tx)
		if err != nil {
			return err
		}
		ours, contested := split(b.attempts)
		if b.unsure && len(ours) > 0 {
			var written bool
			err := tx.QueryRow(ctx, `select exists (select from work.attempt where job_id = $1 and started_at = $2 and worker = $3)`,
				ours[0].JobID, ours[0].Started, ours[0].Worker).Scan(&written)
			if err != nil || written {
				return err
			}
		}
		if rows := withRows(ours); r.without&Attempts == 0 && len(rows) > 0 {
			_, err := tx.CopyFrom(ctx, pgx.Identifier{"work", "attempt"}, attemptColumns,
				pgx.CopyFromSlice(len(rows), func(i int) ([]any, error) { return rows[i].row(), nil }))
			if err != nil {
				return fmt.Errorf("write attempts: %w", err)
			}
		}
		written, err := writeContested(ctx, tx, contested)
		if err != nil {
			return err
		}
		ours = append(ours, written...)
		sums := append(slices.Clone(r.owed), errorSums(ours)...)
		if r.without&Minutes == 0 {
			sums = append(sums, minuteSums(ours, within)...) // last, because every worker writes these rows and would wait for this one
		}
		b.owed, err = addAll(ctx, tx, sums)
		return err
	})
	if err != nil {
		return err
	}
	if n := len(b.owed) - owedMost; n > 0 {
		r.log.WarnContext(ctx, "sums were dropped: their rows stay locked", "sums", n)
		b.owed = b.owed[n:]
	}
	r.owed = b.owed
	return nil
}

// lock takes the recorder's advisory lock, and reads the wait targets in the same round trip.
func (r *Recorder) lock(ctx context.Context, tx pgx.Tx) (targets, error) {
	var queues []string
	var seconds []float64
	err := tx.QueryRow(ctx, `select t.queues, t.seconds from pg_advisory_xact_lock($1), (
		select array_agg(queue) as queues, array_agg(extract(epoch from within)::float8) as seconds from work.queue_target) t`,
		r.lockKey).Scan(&queues, &seconds)
	within := targets{}
	for i, queue := range queues {
		within[queue] = time.Duration(seconds[i] * float64(time.Second))
	}
	return within, err
}

// briefly runs a transaction that does not wait long for locks: it holds one of River's connections, perhaps the only one.
func briefly(ctx context.Context, pool *pgxpool.Pool, fn func(ctx context.Context, tx pgx.Tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "select set_config('lock_timeout', '500ms', true), set_config('idle_in_transaction_session_timeout', '8s', true)"); err != nil {
			return err
		}
		return fn(ctx, tx)
	})
}

// writeContested writes attempts unless another process has written them, and returns those that it wrote. It holds a lock on each
// job until the transaction ends, because another transaction would not see rows that are not committed yet.
func writeContested(ctx context.Context, tx pgx.Tx, contested []*Attempt) (written []*Attempt, err error) {
	slices.SortFunc(contested, func(a, b *Attempt) int { return cmp.Compare(a.JobID, b.JobID) }) // all processes lock in this order
	for _, a := range contested {
		if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock(hashtextextended('work.attempt', $1))", a.JobID); err != nil {
			return nil, fmt.Errorf("lock a contested attempt: %w", err)
		}
		tag, err := tx.Exec(ctx, contestedSQL, a.named())
		if err != nil {
			return nil, fmt.Errorf("write a contested attempt: %w", err)
		}
		if tag.RowsAffected() > 0 {
			written = append(written, a)
		}
	}
	return written, nil
}

// withRows returns the attempts that get rows, and the first in any case: by its row a later try sees that a batch was committed.
func withRows(attempts []*Attempt) (rows []*Attempt) {
	for i, a := range attempts {
		if i == 0 || !a.isInJob() {
			rows = append(rows, a)
		}
	}
	return rows
}

// isInJob reports whether the job's row has all that there is to know about the attempt.
func (a *Attempt) isInJob() bool {
	return a.Brief && a.Outcome == Completed && a.Number == 1 && a.Origin == (metadata.Origin{}) && (a.Steps == nil || len(a.Steps.Steps()) == 0)
}

// split separates the contested attempts, which another process may have written.
func split(attempts []*Attempt) (ours, contested []*Attempt) {
	ours = make([]*Attempt, 0, len(attempts))
	for _, a := range attempts {
		if a.Contested {
			contested = append(contested, a)
		} else {
			ours = append(ours, a)
		}
	}
	return ours, contested
}

// markRelease records when a release was first seen. It does nothing for a process without a release.
func markRelease(ctx context.Context, pool *pgxpool.Pool, release string) error {
	if release == "" {
		return nil
	}
	return briefly(ctx, pool, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "insert into work.release (name) values ($1) on conflict do nothing", release)
		return err
	})
}
