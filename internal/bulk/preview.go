package bulk

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/surface"
)

const (
	// countTo is the highest number to which a preview counts.
	countTo = 10_000
	// judgeTo is the number of jobs that a preview judges.
	judgeTo = 2000
	// sampleOf is the number of jobs that a preview shows.
	sampleOf = 10
)

// Plan is a previewed act.
type Plan struct {
	Act       string // as jobs.audit calls it
	Search    string // with the states that it selects, and with absolute times
	HighestID int64  // the act leaves jobs with higher ids alone
	Matches   int64  // how many jobs match
	More      bool   // there are more than Matches
	Samples   []Sample
	Left      []Left
	Judged    int64 // how many of the matches Left counts in
}

// Sample is a job that matches.
type Sample struct {
	ID                   int64
	Kind, Queue, State   string
	Attempt, MaxAttempts int16
	Args                 json.RawMessage // redacted
	LastError            *string
}

// Left counts the matches that the act would leave alone for the same reason.
type Left struct {
	Code string // of jobs.may
	Jobs int64
	ID   int64  // one of them
	Note string // why, for that one
}

// The search lines that the parser accepts but no act does.
var (
	errUnfiltered = &surface.Refusal{Sentence: "the search line leaves no job out: say which jobs, as in state:discarded kind:send_invoice", BadValue: true}
	errNoState    = &surface.Refusal{Sentence: "say which states, as in state:discarded", BadValue: true}
)

// filterOf parses a search line for an act. A line without a state selects the states that the act is for, and times such as 2h are
// before now.
func filterOf(act, line string, now time.Time) (f surface.Filter, err error) {
	a, ok := surface.JobAct(act)
	if !ok {
		return f, &surface.Refusal{Sentence: fmt.Sprintf("%q is not an act on jobs", act), BadValue: true}
	}
	if f, err = surface.ParseSearch(line); err != nil {
		return f, err
	}
	if !f.Narrows() {
		return f, errUnfiltered
	}
	if len(f.States) == 0 {
		f.States = a.States
	}
	if len(f.States) == 0 {
		return f, errNoState
	}
	return f.At(now.UTC()), nil
}

// Preview says what an act would do to all jobs that match the search line, without doing it. It fixes the highest id, and counts. act
// may also be the command's name, run-now.
func Preview(ctx context.Context, db surface.DB, act, line string) (p Plan, err error) {
	act = strings.ReplaceAll(act, "-", "_")
	f, err := filterOf(act, line, time.Now())
	if err != nil {
		return p, err
	}
	if err := f.Storable(ctx, db); err != nil {
		return p, err
	}
	p = Plan{Act: act, Search: f.String()}
	highest, err := collect(ctx, db, pgx.RowTo[int64], "select id from jobs.job order by id desc limit 1")
	if err != nil || len(highest) == 0 {
		return p, err
	}
	p.HighestID = highest[0]
	ids, err := f.IDs(ctx, db, 0, p.HighestID, countTo+1)
	if err != nil {
		return p, err
	}
	if p.More = len(ids) > countTo; p.More {
		ids = ids[:countTo]
	}
	p.Matches = int64(len(ids))
	p.Samples, err = collect(ctx, db, pgx.RowToStructByPos[Sample],
		"select id, kind, queue, state::text, attempt, max_attempts, args, last_error from jobs.job where id = any ($1) order by id", spread(ids, sampleOf))
	if err != nil {
		return p, err
	}
	judged := ids[:min(len(ids), judgeTo)]
	p.Judged = int64(len(judged))
	p.Left, err = collect(ctx, db, pgx.RowToStructByPos[Left],
		"select code, count(*), min(id), (array_agg(note order by id))[1] from jobs.may($1, $2) where code is not null group by code order by 2 desc, 1", judged, act)
	return p, err
}

// spread returns n of the ids, from the first to the last at even distances.
func spread(ids []int64, n int) []int64 {
	if len(ids) <= n {
		return ids
	}
	picked := make([]int64, n)
	for i := range picked {
		picked[i] = ids[i*(len(ids)-1)/(n-1)]
	}
	return picked
}

func collect[T any](ctx context.Context, db surface.DB, to pgx.RowToFunc[T], sql string, args ...any) ([]T, error) {
	rows, err := db.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, to)
}
