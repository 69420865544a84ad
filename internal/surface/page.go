package surface

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Page is a page of a list of jobs.
type Page struct {
	Table
	Next    string  // the cursor of the next page; "" if this is the last
	Reached []Reach // if not empty, the search has tested only part of the jobs, and Next searches further
}

// Reach is how far a search has looked: every job of a state back to one.
type Reach struct {
	State string     // or "found" for the jobs that an index finds
	ID    int64      // of the oldest job that was tested
	At    *time.Time // when it finished, or was enqueued if it has not; nil if it is infinite
	Jobs  int        // how many were tested, counted from the start of the page
}

// Page returns the n jobs that match after a cursor.
func (f Filter) Page(ctx context.Context, db DB, columns, after string, n int) (p Page, err error) {
	at, err := parseCursor(after)
	if err != nil {
		return p, err
	}
	f = f.At(time.Now().UTC())
	sql, args := f.query(columns+", part, job_id, (job.finished_at at time zone 'UTC')::text", at, n+1, window)
	if p.Table, err = Ask(ctx, db, sql, args...); err != nil {
		return p, err
	}
	own, more := len(p.Columns)-3, len(p.Rows) > n
	p.Columns, p.Rows = p.Columns[:own], p.Rows[:min(n, len(p.Rows))]
	for i, row := range p.Rows {
		finished, _ := row[own+2].(string)
		at[row[own].(string)] = place{at: finished, id: row[own+1].(int64)}
		p.Rows[i] = row[:own]
	}
	if more {
		p.Next = at.String()
		return p, nil
	}
	p.Next, p.Reached, err = f.Reach(ctx, db, after)
	return p, err
}

// Reach returns how far a page that is not full has looked, and the cursor that searches further; "" if nothing is left.
func (f Filter) Reach(ctx context.Context, db DB, after string) (next string, reached []Reach, err error) {
	start, err := parseCursor(after)
	if err != nil {
		return "", nil, err
	}
	var p Page
	ends, err := f.ends(ctx, db, start, &p)
	if err == nil && len(p.Reached) > 0 {
		next = ends.String()
	}
	return next, p.Reached, err
}

// Found is the place of a job in a search: the columns part and id of Query, and finished_at in UTC as text.
type Found struct {
	Part     string
	ID       int64
	Finished *string
}

// Next returns the cursor after jobs that a page has shown, in their order.
func Next(after string, shown []Found) (string, error) {
	at, err := parseCursor(after)
	if err != nil {
		return "", err
	}
	for _, f := range shown {
		p := place{id: f.ID}
		if f.Finished != nil {
			p.at = *f.Finished
		}
		at[f.Part] = p
	}
	return at.String(), nil
}

// ends finds where each part's window ends. A page that is not full has read all of them.
func (f Filter) ends(ctx context.Context, db DB, start cursor, p *Page) (cursor, error) {
	ends := cursor{found: {end: true}}
	for _, state := range states() {
		ends[state] = place{end: true}
	}
	var s statement
	var selects []string
	for _, part := range f.unread(&s, start, window) {
		if len(part.filter) > 0 {
			selects = append(selects, fmt.Sprintf(`(select '%s', id, case when isfinite(coalesce(finished_at, enqueued_at)) then coalesce(finished_at, enqueued_at) end, (finished_at at time zone 'UTC')::text
				from jobs.job where %s order by %s offset %d limit 1)`, part.name, and(part.where), part.order(), window-1))
		}
	}
	if len(selects) == 0 {
		return ends, nil
	}
	sql, args := s.used(strings.Join(selects, " union all "))
	rows, err := db.Query(ctx, sql, args...)
	if err != nil {
		return nil, refused(err, true)
	}
	r := Reach{Jobs: window}
	var finished *string
	_, err = pgx.ForEachRow(rows, []any{&r.State, &r.ID, &r.At, &finished}, func() error {
		p.Reached = append(p.Reached, r)
		end := place{id: r.ID}
		if finished != nil {
			end.at = *finished
		}
		ends[r.State] = end
		return nil
	})
	return ends, refused(err, true)
}

// MostCounted is the highest number that Count returns.
const MostCounted = 10_000

// Count returns the number of jobs that match, or MostCounted+1 if there are more. Where no index helps, it counts among the
// newest 100,000 jobs of each state, as the first page of Page does.
func (f Filter) Count(ctx context.Context, db DB) (n int, err error) {
	var s statement
	var parts []string
	for _, p := range f.unread(&s, nil, window) {
		parts = append(parts, fmt.Sprintf("(select from (select * from jobs.job where %s order by %s limit %d) job where %s limit %d)",
			and(slices.Concat(p.where, p.pre)), p.order(), window, and(p.filter), MostCounted+1))
	}
	if len(parts) == 0 {
		return 0, nil
	}
	sql, args := s.used(fmt.Sprintf("select count(*) from (select from (%s) parts limit %d) jobs", strings.Join(parts, " union all "), MostCounted+1))
	rows, err := db.Query(ctx, sql, args...)
	if err != nil {
		return 0, refused(err, true)
	}
	n, err = pgx.CollectExactlyOneRow(rows, pgx.RowTo[int])
	return n, refused(err, true)
}
