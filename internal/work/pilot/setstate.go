package pilot

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"

	"github.com/backlist/backlist/db"
)

var (
	//go:embed sql/lock.sql
	lockSQL string
	//go:embed sql/missing.sql
	missingSQL string
	//go:embed sql/note_finished.sql
	noteFinishedSQL string
)

// setState stores outcomes of any kind. It halves a batch that the server refuses, or that meets a lock, until the outcome that
// is the cause is the only one.
func (p *Pilot) setState(ctx context.Context, exec riverdriver.Executor, batch *outcomes) ([]*rivertype.JobRow, error) {
	rows, err := p.setTogether(ctx, exec, batch)
	switch n := len(batch.ID); {
	case !IsRefused(err) && !IsContended(err):
		return rows, err
	case n > 1:
		rows, err = p.setState(ctx, exec, part(batch, 0, n/2))
		if err != nil {
			return nil, err
		}
		more, err := p.setState(ctx, exec, part(batch, n/2, n))
		return append(rows, more...), err
	case IsContended(err):
		p.aside.add(batch)
		return nil, nil
	default:
		return p.setRefused(ctx, exec, batch, err)
	}
}

// setTogether stores outcomes with River's statement, after it has locked the jobs that these attempts still hold. It sets aside
// the outcomes of jobs that other sessions have locked.
func (p *Pilot) setTogether(ctx context.Context, exec riverdriver.Executor, batch *outcomes) ([]*rivertype.JobRow, error) {
	tx, err := exec.Begin(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	ours, missed, err := p.lock(ctx, tx, batch)
	if err != nil {
		return nil, err
	}
	var rows []*rivertype.JobRow
	if len(ours.ID) > 0 {
		if rows, err = p.StandardPilot.JobSetStateIfRunningMany(ctx, tx, ours); err != nil {
			return nil, err
		}
		if err := p.noteFinished(ctx, tx, ours); err != nil {
			return nil, err
		}
	}
	if err := tx.Commit(ctx); err != nil {
		return nil, err
	}
	p.attempts.written(ours.ID)
	return rows, p.missing(ctx, missed)
}

// noteFinished appends the errors that addNote made to jobs that completed themselves. River's statement appends none to these.
func (p *Pilot) noteFinished(ctx context.Context, tx riverdriver.ExecutorTx, batch *outcomes) error {
	var ids []int64
	var notes []string
	for i, h := range p.attempts.known(batch.ID) {
		if h.finished && batch.State[i] == rivertype.JobStateCompleted && batch.ErrData[i] != nil {
			ids, notes = append(ids, batch.ID[i]), append(notes, string(batch.ErrData[i]))
		}
	}
	if len(ids) == 0 {
		return nil
	}
	err := tx.Exec(ctx, db.Statement(noteFinishedSQL, batch.Schema), pgx.NamedArgs{"ids": ids, "notes": notes})
	if err != nil {
		return fmt.Errorf("note what was not stored: %w", err)
	}
	return nil
}

// lock locks the jobs' rows in the order of their ids and divides the batch. ours are the outcomes whose attempt holds its job.
// missed are those whose attempt no longer does (the job was rescued, cancelled or deleted) or whose row another session has
// locked. A row that Finish completed is among ours, because River adds its metadata to it.
func (p *Pilot) lock(ctx context.Context, tx riverdriver.ExecutorTx, batch *outcomes) (ours, missed *outcomes, err error) {
	attempts := make([]int, len(batch.ID))
	for i, h := range p.attempts.known(batch.ID) {
		attempts[i] = h.attempt
	}
	var locked []int64
	var server time.Time
	if err := tx.QueryRow(ctx, db.Statement(lockSQL, batch.Schema), batch.ID, attempts, p.attempts.clientID).Scan(&locked, &server); err != nil {
		return nil, nil, fmt.Errorf("lock the jobs of a batch: %w", err)
	}
	missed = &outcomes{Now: batch.Now, Schema: batch.Schema}
	if len(locked) == len(batch.ID) {
		ours = part(batch, 0, len(batch.ID)) // the caller may try the batch again
		ours.ScheduledAt = slices.Clone(ours.ScheduledAt)
	} else {
		ours = &outcomes{Now: batch.Now, Schema: batch.Schema}
		for i, id := range batch.ID {
			if slices.Contains(locked, id) {
				move(ours, batch, i)
			} else {
				move(missed, batch, i)
			}
		}
	}
	byTheServersClock(ours.ScheduledAt, server)
	return ours, missed, nil
}

// missing handles outcomes that were not stored. If an attempt still holds its job, the row is locked and the outcome is set
// aside. The others are late, except those of jobs that completed themselves in a transaction whose commit was not confirmed.
func (p *Pilot) missing(ctx context.Context, missed *outcomes) error {
	if len(missed.ID) == 0 {
		return nil
	}
	list := p.attempts.known(missed.ID)
	attempts := make([]int, len(list))
	for i, h := range list {
		attempts[i] = h.attempt
	}
	rows, err := p.pool.Query(ctx, db.Statement(missingSQL, missed.Schema),
		pgx.NamedArgs{"ids": missed.ID, "attempts": attempts, "client": p.attempts.clientID})
	if err != nil {
		return fmt.Errorf("look for missed jobs: %w", err)
	}
	states := map[int64]rivertype.JobState{}
	var id int64
	var state string
	if _, err := pgx.ForEachRow(rows, []any{&id, &state}, func() error { states[id] = rivertype.JobState(state); return nil }); err != nil {
		return fmt.Errorf("look for missed jobs: %w", err)
	}
	locked := &outcomes{Now: missed.Now, Schema: missed.Schema}
	var over []int64
	for i, id := range missed.ID {
		state, ours := states[id]
		done := state == rivertype.JobStateCompleted && isPlain(missed, i)
		if ours && !done {
			move(locked, missed, i)
			continue
		}
		if !done {
			p.late(ctx, id, attempts[i], missed.State[i])
		}
		over = append(over, id)
	}
	p.attempts.written(over)
	if len(locked.ID) > 0 {
		p.aside.add(locked)
	}
	return nil
}
