package bulk

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/surface"
)

// task is an act that this process has the lease of.
type task struct {
	row
	act    surface.Act
	filter surface.Filter
}

// row is the row of an act, as claim.sql and hold.sql return it.
type row struct {
	ID                 int64
	Act, Search        string
	HighestID          int64
	Expected, Matches  *int64 // nil: not counted yet
	LastID             int64  // the cursor
	Done               int64
	Reason, Who, Until string
	Undoes             int64 // 0: it is not an undo
	CreatedAt          time.Time
}

// lineError is an error of a search line, with which no try can succeed.
type lineError struct{ error }

// read parses the search line.
func (t *task) read() error {
	if t.Undoes != 0 {
		return nil
	}
	var err error
	if t.filter, err = filterOf(t.Act, t.Search, t.CreatedAt); err != nil {
		return &lineError{err}
	}
	t.act, _ = surface.JobAct(t.Act)
	return nil
}

func (t *task) by() surface.By { return surface.By{Who: t.Who, Reason: t.Reason, Until: t.Until} }

// grows reports whether n matches are too many: a tenth more than were expected.
func (t *task) grows(n int64) bool {
	return t.Expected != nil && n > *t.Expected && 10*n >= 11**t.Expected
}

// count counts the matches before the first chunk. Without an expected number, it becomes the expected one.
func (r *Runner) count(ctx context.Context, pool *pgxpool.Pool, t *task) error {
	n, err := r.matches(ctx, pool, t)
	if err != nil {
		return err
	}
	if t.grows(n) {
		return errGrown
	}
	if t.Matches = &n; t.Expected == nil {
		t.Expected = &n
	}
	return r.renew(ctx, pool, t)
}

// matches returns how many jobs match, with those that are done.
func (r *Runner) matches(ctx context.Context, pool *pgxpool.Pool, t *task) (int64, error) {
	n, after := t.Done, t.LastID
	for {
		if err := r.renew(ctx, pool, t); err != nil {
			return 0, err
		}
		ids, err := t.someIDs(ctx, pool, after)
		if err != nil {
			return 0, err
		}
		if n += int64(len(ids)); len(ids) < countBy {
			return n, nil
		}
		after = ids[len(ids)-1]
	}
}

func (t *task) someIDs(ctx context.Context, pool *pgxpool.Pool, after int64) ([]int64, error) {
	ctx, cancel := step(ctx)
	defer cancel()
	return t.filter.IDs(ctx, pool, after, t.HighestID, countBy)
}

// renew renews the lease for a step of counting, during which the row is not locked, and stores the number of matches if they have been
// counted. A shorter lease would end within a slow step: two processes would keep taking the act from each other, and neither
// would finish counting.
func (r *Runner) renew(ctx context.Context, pool *pgxpool.Pool, t *task) error {
	return r.change(ctx, pool, renewSQL, pgx.NamedArgs{"id": t.ID, "by": r.by, "matches": t.Matches, "lease": (stepTimeout + lease).Seconds()})
}

// ask counts again, and makes the act wait until the number is confirmed.
func (r *Runner) ask(ctx context.Context, pool *pgxpool.Pool, t *task) error {
	n, err := r.matches(ctx, pool, t)
	if err == nil {
		err = r.change(ctx, pool, grownSQL, pgx.NamedArgs{"id": t.ID, "by": r.by, "matches": n})
	}
	if err == nil {
		r.log.InfoContext(ctx, "a bulk act waits to be confirmed: more jobs match than expected", "bulk", t.ID, "matches", n, "expected", *t.Expected)
	}
	return err
}

// change runs a statement on the act's row, which this process must have the lease of.
func (r *Runner) change(ctx context.Context, pool *pgxpool.Pool, sql string, args pgx.NamedArgs) error {
	ctx, cancel := step(ctx)
	defer cancel()
	tag, err := pool.Exec(ctx, sql, args)
	if err == nil && tag.RowsAffected() == 0 {
		return errLost
	}
	return err
}
