package surface

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// step is how many jobs, of any state, one statement of IDs passes.
const step = 50_000

// IDs returns the ids above after, up to highest, of the jobs that match: the n lowest, ascending. It walks by id in short
// statements, so that calls with the last id of the call before neither miss nor repeat a job, however few of them match.
// Fewer than n ids mean that there are no more. Times of the filter that depend on now are read as of each call: see At.
func (f Filter) IDs(ctx context.Context, db DB, after, highest int64, n int) (ids []int64, err error) {
	f = f.At(time.Now().UTC())
	for after < highest && len(ids) < n {
		end := highest
		if f.driver(&statement{}) == nil {
			// Without an end of the range, Postgres might pass all jobs of other states in search of a few.
			ends, err := idsOf(ctx, db, fmt.Sprintf("select id from jobs.job where id > $1 and id <= $2 order by id offset %d limit 1", step-1), after, highest)
			if err != nil {
				return nil, err
			}
			if len(ends) > 0 {
				end = ends[0]
			}
		}
		var s statement
		var parts []string
		for _, p := range f.parts(&s, idRange{above: after, upTo: end, most: math.MaxInt32}) {
			parts = append(parts, and(slices.Concat(p.where, p.filter)))
		}
		if len(parts) == 0 {
			return nil, nil
		}
		sql, args := s.used(fmt.Sprintf("select id from jobs.job where id > %s and id <= %s and (%s) order by id limit %d",
			s.arg(after, "bigint"), s.arg(end, "bigint"), strings.Join(parts, " or "), n-len(ids)))
		some, err := idsOf(ctx, db, sql, args...)
		if err != nil {
			return nil, err
		}
		ids, after = append(ids, some...), end
	}
	return ids, nil
}

func idsOf(ctx context.Context, db DB, sql string, args ...any) ([]int64, error) {
	rows, err := db.Query(ctx, sql, args...)
	if err != nil {
		return nil, refused(err, true)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	return ids, refused(err, true)
}
