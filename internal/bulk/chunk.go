package bulk

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/surface"
)

var (
	//go:embed sql/hold.sql
	holdSQL string
	//go:embed sql/keep.sql
	keepSQL string
	//go:embed sql/entry.sql
	entrySQL string
)

// endSQL ends an act.
const endSQL = "select jobs.end_bulk($1, $2, $3)"

// chunkOf is how many jobs one chunk changes. An undo takes the chunks of the act that it undoes.
const chunkOf = 1000

// tally is where an act stands.
type tally struct {
	LastID, Done, Changed, Unchanged int64
	Codes                            map[string]int64
}

// note counts the result for one job.
func (s *tally) note(changed bool, code *string) {
	s.Done++
	if changed {
		s.Changed++
		return
	}
	s.Unchanged++
	if code != nil {
		s.Codes[*code]++
	}
}

// chunk acts on the next jobs that match. All of it is one transaction, in which the act's row is locked: a chunk that is cut off
// leaves nothing behind, and jobs.cancel_bulk waits for its end. more is false once the act is done.
func (r *Runner) chunk(ctx context.Context, pool *pgxpool.Pool, t *task) (more bool, err error) {
	ctx, cancel := step(ctx)
	defer cancel()
	err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		s, err := r.hold(ctx, tx, t)
		if err != nil {
			return err
		}
		if t.Undoes != 0 {
			more, err = t.undo(ctx, tx, &s)
		} else {
			more, err = t.actOn(ctx, tx, &s)
		}
		if err != nil {
			return err
		}
		codes, err := json.Marshal(s.Codes)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, keepSQL, pgx.NamedArgs{
			"id": t.ID, "last_id": s.LastID, "done": s.Done, "changed": s.Changed, "unchanged": s.Unchanged, "codes": string(codes), "lease": lease.Seconds(),
		})
		if err != nil || more {
			return err
		}
		_, err = tx.Exec(ctx, endSQL, t.ID, "done", nil)
		return err
	})
	return more, err
}

// hold locks the act's row, and returns where the act stands.
func (r *Runner) hold(ctx context.Context, tx pgx.Tx, t *task) (s tally, err error) {
	err = tx.QueryRow(ctx, holdSQL, pgx.NamedArgs{"id": t.ID, "by": r.by}).Scan(&s.LastID, &s.Done, &s.Changed, &s.Unchanged, &s.Codes, nil, nil)
	if errors.Is(err, pgx.ErrNoRows) {
		err = errLost
	}
	t.LastID, t.Done = s.LastID, s.Done
	return s, err
}

func (t *task) actOn(ctx context.Context, tx pgx.Tx, s *tally) (more bool, err error) {
	ids, err := t.filter.IDs(ctx, tx, s.LastID, t.HighestID, chunkOf)
	if err != nil || len(ids) == 0 {
		return false, err
	}
	if t.grows(s.Done + int64(len(ids))) {
		return false, errGrown
	}
	_, err = t.act.Jobs(ctx, tx, ids, t.by(), func(outcomes []surface.Outcome) {
		for _, o := range outcomes {
			s.note(o.Changed, o.Code)
		}
	})
	s.LastID = ids[len(ids)-1]
	return len(ids) == chunkOf, err
}

// undo undoes the next entry of jobs.audit, from the newest to the oldest. Each has the jobs of a chunk.
func (t *task) undo(ctx context.Context, tx pgx.Tx, s *tally) (more bool, err error) {
	var entry int64
	err = tx.QueryRow(ctx, entrySQL, pgx.NamedArgs{"bulk_id": t.Undoes, "before": s.LastID}).Scan(&entry)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	restored, err := surface.Undo(ctx, tx, []int64{entry}, t.by())
	for _, o := range restored {
		s.note(o.Changed, o.Code)
	}
	s.LastID = entry
	return true, err
}
