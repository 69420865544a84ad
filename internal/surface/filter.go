package surface

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/backlist/backlist/internal/work"
)

// Filter selects jobs. An empty field matches every job, and a list matches any of its values.
type Filter struct {
	States, Kinds, Queues, Workers, Tags []string

	Request     string        // id of the web request that enqueued them
	Fingerprint string        // of an error that they had in the last day
	Args        string        // JSON object that their args contain
	Since       time.Duration // enqueued, started or finished within this time
	Limit       int           // the most jobs, newest first
}

// states returns every state of a job, unfinished ones first.
func states() []string {
	return []string{"available", "running", "scheduled", "retryable", "pending", "completed", "cancelled", "discarded"}
}

func isFinished(state string) bool {
	return state == "completed" || state == "cancelled" || state == "discarded"
}

// Check returns an error that says what is wrong with the filter.
func (f Filter) Check() error {
	for _, s := range f.States {
		if !slices.Contains(states(), s) {
			return fmt.Errorf("%q is not a state; states are %s", s, strings.Join(states(), ", "))
		}
	}
	if f.Limit < 1 {
		return errors.New("the limit is at least 1")
	}
	if f.Args != "" {
		var object map[string]json.RawMessage
		if json.Unmarshal([]byte(f.Args), &object) != nil || len(object) == 0 {
			return errors.New(`args is a JSON object, as in {"order_id": 42}`)
		}
		if err := work.CheckArgs([]byte(f.Args)); err != nil {
			return fmt.Errorf("args: %w", err)
		}
	}
	return nil
}

// Narrows reports whether the filter leaves any job out.
func (f Filter) Narrows() bool {
	return len(f.States)+len(f.Kinds)+len(f.Queues)+len(f.Workers)+len(f.Tags) > 0 || f.Request+f.Fingerprint+f.Args != "" || f.Since > 0
}

// Query returns the SELECT for these columns of the jobs that match, newest first, and its arguments. It has one part for
// each state, because River's indexes begin with the state.
func (f Filter) Query(columns string) (sql string, args []any) {
	if !f.Narrows() {
		return fmt.Sprintf("select %s from jobs.job order by id desc limit %d", columns, f.Limit), nil
	}
	var where strings.Builder
	and := func(condition string, value any) {
		args = append(args, value)
		fmt.Fprintf(&where, " and "+condition, len(args))
	}
	for column, values := range map[string][]string{"kind": f.Kinds, "queue": f.Queues, "worker": f.Workers} {
		if len(values) > 0 {
			and(column+" = any ($%d)", values)
		}
	}
	if len(f.Tags) > 0 {
		and("tags && $%d", f.Tags)
	}
	if f.Request != "" {
		and("request_id = $%d", f.Request)
	}
	if f.Fingerprint != "" {
		and("id = any (array(select a.job_id from jobs.attempt a where a.fingerprint = $%d))", f.Fingerprint)
	}
	if f.Args != "" {
		and("id = any (array(select s.id from jobs.search($%d::jsonb, max => 10000) s))", f.Args)
	}
	var parts []string
	for _, state := range states() { // a literal, not an argument, so that partial indexes apply
		if len(f.States) > 0 && !slices.Contains(f.States, state) {
			continue
		}
		since, order := "", "id desc"
		if isFinished(state) {
			since, order = " and finished_at is not null", "finished_at desc" // as River's own index has it
		}
		if f.Since > 0 {
			at := "greatest(enqueued_at, started_at)"
			if isFinished(state) {
				at = "finished_at"
			}
			since += fmt.Sprintf(" and %s > now() - interval '%d ms'", at, f.Since.Milliseconds())
		}
		parts = append(parts, fmt.Sprintf("(select * from jobs.job where state = '%s'%s%s order by %s limit %d)", state, where.String(), since, order, f.Limit))
	}
	return fmt.Sprintf("select %s from (%s) job order by id desc limit %d", columns, strings.Join(parts, " union all "), f.Limit), args
}

// ask returns these columns of the jobs that match.
func (f Filter) ask(ctx context.Context, db DB, columns string) (Table, error) {
	sql, args := f.Query(columns)
	t, err := Ask(ctx, db, sql, args...)
	if f.Args != "" && IsBadValue(err) { // Args is the only field that Postgres can refuse
		err = fmt.Errorf("args: %w", err)
	}
	return t, err
}

// Count is the number of matching jobs of one kind and state.
type Count struct {
	Kind, State string
	Jobs        int
}

// Find returns the ids of the jobs that match, oldest first, and their number by kind and state.
func Find(ctx context.Context, db DB, f Filter) (ids []int64, counts []Count, err error) {
	found, err := f.ask(ctx, db, "id, kind, state")
	if err != nil {
		return nil, nil, err
	}
	for _, row := range found.Rows {
		ids = append(ids, row[0].(int64))
		kind, state := row[1].(string), fmt.Sprint(row[2])
		i := slices.IndexFunc(counts, func(c Count) bool { return c.Kind == kind && c.State == state })
		if i < 0 {
			i = len(counts)
			counts = append(counts, Count{Kind: kind, State: state})
		}
		counts[i].Jobs++
	}
	slices.Reverse(ids)
	slices.SortFunc(counts, func(a, b Count) int { return b.Jobs - a.Jobs })
	return ids, counts, nil
}
