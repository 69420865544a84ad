package db_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/backlist/backlist/internal/testdb"
)

// extremes are jobs that SQL can write but no client does: with Postgres's most extreme times, including infinity, and
// with metadata and errors of unexpected types.
const extremes = `
insert into river.river_queue (name, updated_at) values ('default', '-infinity'), (E'a\x1b[31m', 'infinity');
insert into river.river_job (id, kind, state, attempt, max_attempts, args, metadata, created_at, scheduled_at, attempted_at, attempted_by, finalized_at, errors) values
	(1, 'count', 'available', 0, 5, '{}', '{}', now(), '-infinity', null, null, null, null),
	(2, 'count', 'scheduled', 0, 5, '{}', '{}', '-infinity', 'infinity', null, null, null, null),
	(3, 'count', 'scheduled', 0, 5, '{}', '{}', 'infinity', '294276-12-31', null, null, null, null),
	(4, 'count', 'completed', 1, 5, '{}', '{}', '4713-01-02 BC', '0001-01-01', '0001-01-01', '{w}', '294276-12-31', null),
	(5, 'count', 'completed', 1, 5, '{}', '{}', '-infinity', '-infinity', 'infinity', '{w}', 'infinity', null),
	(6, 'count', 'running', 1, 5, '{}', '{}', 'infinity', '-infinity', '-infinity', '{w}', null, null),
	(7, 'count', 'discarded', 1, 5, '{}', '{}', 'infinity', 'infinity', now(), '{w}', '-infinity', null),
	(8, 'count', 'retryable', 1, 5, '{}', '{}', '-infinity', '-infinity', now(), null, null, array['1', 'null', '[]', '{"error": 1e400}']::jsonb[]),
	(9, 'count', 'available', 1, 5, '{"n": 1e400}', '{"parent_id": 9223372036854775807, "deaths": 99999999999, "rescued_at": 1e400,
		"progress": {"percent": 1e400}, "held": 7, "release": {"a": 1}, "queue": [], "river:log": 3}', '-infinity', '-infinity', null, null, null, null);
`

// TestExtremesAreShown: a job with an infinite time, or with metadata of unexpected types, does not hide other jobs:
// every view works, and jobs.explain works for each job.
func TestExtremesAreShown(t *testing.T) {
	t.Parallel()
	tx := testdb.Tx(t)
	do(t, tx, extremes)
	views := strings.Fields(ask(t, tx, "select string_agg(viewname, ' ' order by viewname) from pg_views where schemaname = 'jobs'"))
	for _, view := range views {
		if err := fails(t, tx, fmt.Sprintf("select count(v::text) from jobs.%s v", view)); err != nil {
			t.Errorf("jobs.%s: %v", view, err)
		}
	}
	for id := 1; id <= 9; id++ {
		if err := fails(t, tx, fmt.Sprintf("select count(e::text) from jobs.explain(%d) e", id)); err != nil {
			t.Errorf("jobs.explain(%d): %v", id, err)
		}
	}
	for column, want := range map[string]string{"wait": "1 4 7 9", "run": "4"} {
		if got := ask(t, tx, "select string_agg(id::text, ' ' order by id) from jobs.job where "+column+" is not null"); got != want {
			t.Errorf("%s of jobs: %s, want %s", column, got, want)
		}
	}
}
