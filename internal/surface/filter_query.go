package surface

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
)

// window is how many of the newest jobs of each state a query tests when no index helps.
const window = 100_000

// Query returns the SELECT for these columns of jobs.job, of the n newest jobs that match after a cursor of Page; "" is the
// start. The newest are, of unfinished jobs, those with the highest ids, and of finished ones, the last finished. Where no index
// helps, it tests the newest 100,000 jobs of each state after the cursor.
func (f Filter) Query(columns, after string, n int) (sql string, args []any, err error) {
	at, err := parseCursor(after)
	if err != nil {
		return "", nil, err
	}
	sql, args = f.query(columns, at, n, window)
	return sql, args, nil
}

func (f Filter) query(columns string, at cursor, n, window int) (sql string, args []any) {
	var s statement
	return s.used(fmt.Sprintf(`with %s
select %s
from found join lateral (select * from jobs.job where id = job_id) job on true
order by sorted desc, part, place`, f.found(&s, at, n, window), ofJob(columns)))
}

// ofJob returns the columns for a SELECT that has others too.
func ofJob(columns string) string { return strings.ReplaceAll(columns, "*", "job.*") }

// found returns the WITH query of the n newest jobs that match.
func (f Filter) found(s *statement, at cursor, n, window int) string {
	var parts []string
	for _, p := range f.unread(s, at, window) {
		// The inner limit keeps a filter that matches little from reading the whole state.
		inner := p.newest(s.view(f), p.most(n, window))
		parts = append(parts, fmt.Sprintf(`(select '%s' as part, id as job_id, coalesce(finished_at, enqueued_at) as seen, row_number() over (order by %s) as place
		from (%s) job where %s order by %s limit %d)`, p.name, p.order(), inner, and(p.filter), p.order(), n))
	}
	if len(parts) == 0 {
		parts = append(parts, "(select null as part, null::bigint as job_id, now() as seen, 1 as place where false)")
	}
	// Each part keeps its own order, so that a cursor is a place in each: a job sorts by the earliest time of those before it.
	return fmt.Sprintf(`found as materialized (
	select *, min(seen) over (partition by part order by place) as sorted from (
		%s
	) parts order by sorted desc, part, place limit %d
)`, strings.Join(parts, "\n\t\tunion all\n\t\t"), n)
}

// most returns how many of the part's newest jobs to test for n that match.
func (p part) most(n, window int) int {
	if len(p.filter) == 0 {
		return n
	}
	return window
}

// newest returns the SELECT of the newest jobs of the part.
func (p part) newest(view string, most int) string {
	where := and(slices.Concat(p.where, p.pre))
	if p.listed {
		// The index has all that this condition needs, so that no other job is read. By id itself, Postgres might walk all jobs.
		where = fmt.Sprintf("id = any (array(select id from %s where %s order by id + 0 desc limit %d))", view, where, most)
	}
	if p.byTime && len(p.filter) > 0 {
		// The index has no ids: to sort by them would take as long as to test the jobs.
		return fmt.Sprintf("select * from %s where %s order by finished_at desc fetch first %d rows with ties", view, where, most)
	}
	return fmt.Sprintf("select * from %s where %s order by %s limit %d", view, where, p.order(), most)
}

// unread returns the parts that a cursor leaves, with the condition to be after it.
func (f Filter) unread(s *statement, at cursor, window int) []part {
	parts := f.parts(s, idRange{upTo: math.MaxInt64, newest: true, most: window, after: at})
	parts = slices.DeleteFunc(parts, func(p part) bool { return at[p.name].end })
	for i := range parts {
		p := &parts[i]
		place, ok := at[p.name]
		switch {
		case !ok:
		case p.byTime:
			finished := s.arg(place.at, "timestamptz")
			p.where = append(p.where, "finished_at <= "+finished, "(finished_at, id) < ("+finished+", "+s.arg(place.id, "bigint")+")")
		default:
			p.where = append(p.where, "id < "+s.arg(place.id, "bigint"))
		}
	}
	return parts
}

// Count is the number of matching jobs of one kind and state.
type Count struct {
	Kind, State string
	Jobs        int
}

// Find returns the ids of the f.Limit newest jobs that match, oldest first, and their number by kind and state. Unlike Page, it
// tests every job if no index helps.
func Find(ctx context.Context, db DB, f Filter) (ids []int64, counts []Count, err error) {
	sql, args := f.query("id, kind, state", nil, f.Limit, math.MaxInt32)
	t, err := Ask(ctx, db, sql, args...)
	if err != nil {
		return nil, nil, err
	}
	for _, row := range t.Rows {
		ids = append(ids, row[0].(int64))
		kind, state := row[1].(string), fmt.Sprint(row[2])
		i := slices.IndexFunc(counts, func(c Count) bool { return c.Kind == kind && c.State == state })
		if i < 0 {
			i = len(counts)
			counts = append(counts, Count{Kind: kind, State: state})
		}
		counts[i].Jobs++
	}
	slices.Sort(ids)
	slices.SortFunc(counts, func(a, b Count) int { return b.Jobs - a.Jobs })
	return ids, counts, nil
}
