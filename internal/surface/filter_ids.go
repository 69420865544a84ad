package surface

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// widestStep is the most jobs of a state that one statement of IDs reads.
const widestStep = 50_000

// IDs returns the ids above after, up to highest, of the jobs that match: the n lowest, ascending. It walks by id in short
// statements, so that calls with the last id of the call before neither miss nor repeat a job, however few of them match.
// Fewer than n ids mean that there are no more. Times of the filter that depend on now are read as of each call: see At.
func (f Filter) IDs(ctx context.Context, db DB, after, highest int64, n int) (ids []int64, err error) {
	f = f.At(time.Now().UTC())
	for step := min(4*n, widestStep); len(ids) < n && after < highest; step = min(4*step, widestStep) {
		some, reached, err := f.step(ctx, db, after, highest, n-len(ids), step)
		if err != nil {
			return nil, err
		}
		ids = append(ids, some...)
		after = reached
	}
	return ids, nil
}

// step returns the ids that match up to an id which it has reached in every part.
func (f Filter) step(ctx context.Context, db DB, after, highest int64, n, step int) (ids []int64, reached int64, err error) {
	var s statement
	from, to := s.arg(after, "bigint"), s.arg(highest, "bigint")
	var with, selects []string
	for i, p := range f.parts(&s, idRange{above: after, upTo: highest, most: step}) {
		where := and(append(slices.Clone(p.where), "id > "+from, "id <= "+to))
		with = append(with, fmt.Sprintf("p%d as materialized (select id, (%s) is true as matches from (select * from jobs.job where %s order by id limit %d) job)",
			i, and(p.filter), where, step))
		selects = append(selects,
			fmt.Sprintf("(select id, true as matches from p%d where matches order by id limit %d)", i, n),
			fmt.Sprintf("select max(id), false from p%d having count(*) >= %d", i, step)) // the end of a part that may go on
	}
	if len(selects) == 0 {
		return nil, highest, nil
	}
	reached = highest
	sql, args := s.used("with " + strings.Join(with, ", ") + " " + strings.Join(selects, " union all "))
	rows, err := db.Query(ctx, sql, args...)
	if err != nil {
		return nil, 0, refused(err, true)
	}
	var id int64
	var matches bool
	_, err = pgx.ForEachRow(rows, []any{&id, &matches}, func() error {
		if matches {
			ids = append(ids, id)
		} else {
			reached = min(reached, id)
		}
		return nil
	})
	if err != nil {
		return nil, 0, refused(err, true)
	}
	slices.Sort(ids)
	ids = slices.DeleteFunc(ids, func(id int64) bool { return id > reached })
	if len(ids) >= n { // a part may hold more than its first n, but none below the n-th of all
		return ids[:n], ids[n-1], nil
	}
	return ids, reached, nil
}
