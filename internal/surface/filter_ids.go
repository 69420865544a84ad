package surface

import (
	"cmp"
	"context"
	"fmt"
	"slices"
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
	var s statement
	walks := make([]walk, len(f.parts(&s, idRange{})))
	for i := range walks {
		walks[i] = walk{part: i, at: after, step: min(4*n, widestStep)}
	}
	for {
		// The part that is furthest behind limits how far the ids of all are known.
		behind := slices.MinFunc(walks, func(a, b walk) int { return cmp.Compare(a.at, b.at) })
		ids = ids[:0]
		for _, w := range walks {
			for _, id := range w.ids {
				if id <= behind.at {
					ids = append(ids, id)
				}
			}
		}
		if len(ids) >= n || behind.at >= highest {
			slices.Sort(ids)
			return ids[:min(n, len(ids))], nil
		}
		if err := walks[behind.part].next(ctx, db, f, highest, n); err != nil {
			return nil, err
		}
	}
}

// A walk goes through one part of a search by id.
type walk struct {
	part int
	at   int64   // all ids up to this one are known
	ids  []int64 // those that match
	step int     // how many jobs to test next
}

// next tests the next jobs of the part, and stops after n that match.
func (w *walk) next(ctx context.Context, db DB, f Filter, highest int64, n int) error {
	var s statement
	p := f.parts(&s, idRange{above: w.at, upTo: highest, most: w.step})[w.part]
	sql, args := s.used(fmt.Sprintf(`with tested as materialized (
		select id, (%s) is true as matches from (select * from jobs.job where %s and id > %s and id <= %s order by id limit %d) job)
		(select id, true from tested where matches order by id limit %d) union all select max(id), false from tested having count(*) >= %[5]d`,
		and(p.filter), and(p.where), s.arg(w.at, "bigint"), s.arg(highest, "bigint"), w.step, n))
	rows, err := db.Query(ctx, sql, args...)
	if err != nil {
		return refused(err, true)
	}
	before := len(w.ids)
	w.at = highest
	var id int64
	var matches bool
	_, err = pgx.ForEachRow(rows, []any{&id, &matches}, func() error {
		if matches {
			w.ids = append(w.ids, id)
		} else {
			w.at = id
		}
		return nil
	})
	if len(w.ids)-before == n { // there may be more before the end of the step
		w.at = slices.Max(w.ids)
	}
	w.step = min(4*w.step, widestStep)
	return refused(err, true)
}
