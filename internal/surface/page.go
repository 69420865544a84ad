package surface

import (
	"context"
	"encoding/json"
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
	State    string     `json:"part"`     // or "found" for the jobs that an index finds
	ID       int64      `json:"id"`       // of the oldest job that was tested; 0 if all that finished at the time were
	At       *time.Time `json:"at"`       // when it finished, or was enqueued if it has not; nil if it is infinite
	Jobs     int        `json:"jobs"`     // how many were tested, counted from the start of the page
	Finished *string    `json:"finished"` // for the cursor
}

// Page returns the n jobs that match after a cursor.
func (f Filter) Page(ctx context.Context, db DB, columns, after string, n int) (p Page, err error) {
	sql, args, err := f.List(columns, after, n)
	if err != nil {
		return p, err
	}
	if p.Table, err = Ask(ctx, db, sql, args...); err != nil {
		return p, err
	}
	places := make([]Place, len(p.Rows))
	own := len(p.Columns) - 4
	for i, row := range p.Rows {
		if places[i], err = placeOf(row[own:]); err != nil {
			return p, err
		}
		p.Rows[i] = row[:own]
	}
	p.Columns = p.Columns[:own]
	var shown int
	shown, p.Next, p.Reached, err = NextPage(after, n, places)
	p.Rows = p.Rows[:shown]
	return p, err
}

// placeOf reads the columns that List adds.
func placeOf(columns []any) (p Place, err error) {
	if part, ok := columns[0].(string); ok {
		p.Part = &part
	}
	if id, ok := columns[1].(int64); ok {
		p.JobID = &id
	}
	if at, ok := columns[2].(string); ok {
		p.PlaceAt = &at
	}
	if reached, ok := columns[3].(json.RawMessage); ok {
		err = json.Unmarshal(reached, &p.Reached)
	}
	return p, err
}

// Place is where a row of List is in the search: columns that List adds to those of the caller.
type Place struct {
	Part    *string // null in the only row of an empty list
	JobID   *int64
	PlaceAt *string
	Reached []Reach // the same in each row
}

// List returns the SELECT for a page of a list: as Query, with the columns of Place, with a row more than n if the page is not the
// last, and with a row of nulls if there is none. Only where it finds no more than n does it look how far it has searched.
// It reads jobs.job_brief too, so that it takes a fraction of the time to plan; Query needs nothing but jobs.job.
func (f Filter) List(columns, after string, n int) (sql string, args []any, err error) {
	at, err := parseCursor(after)
	if err != nil {
		return "", nil, err
	}
	sql, args = f.At(time.Now().UTC()).list(columns, at, n, window)
	return sql, args, nil
}

func (f Filter) list(columns string, at cursor, n, window int) (sql string, args []any) {
	s := statement{brief: true}
	reached := f.reached(&s, at, window)
	return s.used(fmt.Sprintf(`with %s,
reached as materialized (
	select * from (
		%s
	) windows where (select count(*) from found) <= %d -- otherwise the page is full, and none of them is read
)
select %s, part, job_id, (job.finished_at at time zone 'UTC')::text as place_at, (select jsonb_agg(to_jsonb(r)) from reached r) as reached
from (select) page left join (found join lateral (select * from jobs.job where id = job_id) job on true) on true
order by sorted desc, part, place`, f.found(&s, at, n+1, window), reached, n, ofJob(columns)))
}

// reached returns the SELECT of where each part's window ends, if its jobs have to be tested one by one. A page that is not full
// has read all of them.
func (f Filter) reached(s *statement, at cursor, window int) string {
	var selects []string
	for _, part := range f.unread(s, at, window) {
		order, id := part.order(), "id"
		switch { // as in newest
		case part.listed:
			order = "id + 0 desc"
		case part.byTime:
			order, id = "finished_at desc", "0" // all that finished then are tested
		}
		if len(part.filter) > 0 {
			selects = append(selects, fmt.Sprintf(`(select '%s' as part, %s::bigint as id, %d as jobs, (finished_at at time zone 'UTC')::text as finished,
			case when coalesce(finished_at, enqueued_at) between '0001-01-01' and '9999-12-30' then coalesce(finished_at, enqueued_at) end as at
		from %s where %s order by %s offset %d limit 1)`, part.name, id, window, s.view(f), and(part.where), order, window-1))
		}
	}
	if len(selects) == 0 {
		return "select where false"
	}
	return strings.Join(selects, "\n\t\tunion all\n\t\t")
}

// NextPage returns how many of the rows of List to show, and the cursor of the next page; "" if this is the last. If reached is not
// empty, the search has tested only part of the jobs, and the next page searches further.
func NextPage(after string, n int, rows []Place) (shown int, next string, reached []Reach, err error) {
	at, err := parseCursor(after)
	if err != nil || len(rows) == 0 {
		return 0, "", nil, err
	}
	for _, row := range rows[:min(n, len(rows))] {
		if row.Part == nil || row.JobID == nil {
			continue
		}
		shown++
		at[*row.Part] = place{id: *row.JobID, at: orEmpty(row.PlaceAt)}
	}
	if len(rows) > n {
		return shown, at.String(), nil, nil
	}
	reached = rows[0].Reached
	if len(reached) == 0 {
		return shown, "", nil, nil
	}
	ends := cursor{found: {end: true}}
	for _, state := range states() {
		ends[state] = place{end: true}
	}
	for _, r := range reached {
		ends[r.State] = place{id: r.ID, at: orEmpty(r.Finished)}
	}
	return shown, ends.String(), reached, nil
}

func orEmpty(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

// MostCounted is the highest number that Count returns.
const MostCounted = 10_000

// Count returns the number of jobs that match, or MostCounted+1 if there are more. Where no index helps, it counts among the
// newest 100,000 jobs of each state, as the first page of Page does.
func (f Filter) Count(ctx context.Context, db DB) (n int, err error) {
	sql, args := f.CountQuery()
	rows, err := db.Query(ctx, sql, args...)
	if err != nil {
		return 0, refused(err, true)
	}
	n, err = pgx.CollectExactlyOneRow(rows, pgx.RowTo[int])
	return n, refused(err, true)
}

// Indexed reports whether indexes answer the whole filter, so that it takes a few milliseconds to count the jobs that match.
func (f Filter) Indexed() bool {
	return !slices.ContainsFunc(f.unread(&statement{}, nil, window), func(p part) bool { return len(p.filter) > 0 })
}

// CountQuery returns the SELECT of Count, whose column is jobs.
func (f Filter) CountQuery() (sql string, args []any) {
	s := statement{brief: true}
	var parts []string
	for _, p := range f.unread(&s, nil, window) {
		tested := "select from " + s.view(f) + " where " + and(p.where)
		if len(p.filter) > 0 {
			tested = fmt.Sprintf("select from (%s) job where %s", p.newest(s.view(f), window), and(p.filter))
		}
		parts = append(parts, fmt.Sprintf("(%s limit %d)", tested, MostCounted+1))
	}
	if len(parts) == 0 {
		parts = append(parts, "(select where false)")
	}
	return s.used(fmt.Sprintf("select count(*) as jobs from (\n\tselect from (\n\t\t%s\n\t) parts limit %d\n) jobs", strings.Join(parts, "\n\t\tunion all\n\t\t"), MostCounted+1))
}
