package db_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/surface"
	"github.com/backlist/backlist/internal/testdb"
)

// looking returns a call of each function that only reads.
func looking() map[string]string {
	return map[string]string{
		"audit_of":       "select * from jobs.audit_of(5)",
		"becomes":        "select jobs.becomes('retry', null, null)",
		"brief":          "select jobs.brief('kind', 'queue', null)",
		"checked_json":   `select jobs.checked_json('args', '{"a": 1}')`,
		"explain":        "select jobs.explain(id) from jobs.job",
		"with_args":      `select * from jobs.with_args(array['{"reader_id": 7}'::jsonb], null, 0, 100, true, 5)`,
		"go_json":        `select jobs.go_json('{"a": 1}')`,
		"leader":         "select * from jobs.leader()",
		"looks_secret":   "select jobs.looks_secret('password')",
		"id_at":          "select jobs.id_at(now())",
		"judge":          "select * from jobs.judge('undo', '{1}', entry => 1)",
		"may":            "select * from jobs.may('{1,2,3,4,5}', 'retry')",
		"may_undo":       "select * from jobs.may_undo('{1}')",
		"merged":         `select jobs.merged('{"a": 1}', '{"a": null}')`,
		"percentile":     "select jobs.percentile('default')",
		"quantile":       "select jobs.quantile('{1,2}', 0.5)",
		"quantiles":      "select jobs.quantiles('{1,2}', '{0.5,0.9}')",
		"redact":         `select jobs.redact('{"password": "x"}', '{}')`,
		"refusal":        "select jobs.refusal('not_found', 'retry', 1, null, null, null)",
		"repeated_key":   `select jobs.repeated_key('{"a": 1}')`,
		"runner":         "select jobs.runner('{w1,w2}')",
		"takes":          "select jobs.takes('{mail}', '{}', 'mail', 'send')",
		"placeholder":    "select jobs.placeholder('mail')",
		"saved_views":    "select * from jobs.saved_views('anna')",
		"search":         `select * from jobs.search('{"reader_id": 7}')`,
		"series":         "select * from jobs.series('1 hour')",
		"time_to_come":   "select jobs.time_to_come(now() + interval '1 h')",
		"undoable":       "select * from jobs.undoable('{1}')",
		"undo_of_target": "select jobs.undo_of_target(a) from work.audit a",
		"unique_args":    `select jobs.unique_args('{"a": 1}')`,
		"version":        "select jobs.version()",
		"waterfall":      "select * from jobs.waterfall('r1')",
	}
}

// TestReplica: everything in schema jobs that only reads works on a streaming replica, and so do the reports and the
// commands. The results are those of the primary, except for values that only the primary knows, which are null.
func TestReplica(t *testing.T) {
	t.Parallel()
	primary, replica := testdb.NewReplica(t)
	do(t, primary, reported+`
		update work.worker set seen_at = now() + interval '1 day';
		insert into river.river_leader (leader_id, elected_at, expires_at) values ('w1', now(), now() + interval '1 day')`)
	testdb.CatchUp(t, primary, replica)
	if ask(t, replica, "select pg_is_in_recovery()") != "true" {
		t.Fatal("the server is not a replica")
	}

	for _, view := range list(t, replica, "select viewname from pg_views where schemaname = 'jobs'") {
		do(t, replica, "select * from jobs."+view)
	}
	calls := looking()
	for _, name := range list(t, replica, "select distinct proname from pg_proc where pronamespace = 'jobs'::regnamespace and provolatile <> 'v'") {
		call, known := calls[name]
		if !known {
			t.Errorf("jobs.%s only reads, but this test does not call it", name)
		}
		do(t, replica, call)
	}
	for _, sql := range []string{
		"select string_agg(format('%s %s %s %s', id, state, waiting, why_waiting), E'\n' order by id) from jobs.job",
		"select string_agg(format('%s %s %s', queue, available, workers), E'\n' order by queue) from jobs.queue",
		"select string_agg(format('%s %s', worker, status), E'\n' order by worker) from jobs.worker",
		"select concat_ws('|', code, why, place, running, workers, advice) from jobs.explain(9)",
		"select concat_ws('|', status, value, detail) from jobs.health where name = 'rescuer'",
	} {
		if got, want := ask(t, replica, sql), ask(t, primary, sql); got != want {
			t.Errorf("%s:\nthe replica %s\nthe primary %s", sql, got, want)
		}
	}
	for sql, want := range map[string]string{
		"select string_agg(coalesce(status, 'null') || coalesce(value::text, 'null'), ' ') from jobs.health where area = 'table'": strings.TrimSpace(strings.Repeat("nullnull ", 6)),
		"select (leader_id is null)::text from jobs.leader()":                                                                     "true",
		"select concat_ws('|', coalesce(status, 'null'), value, detail) from jobs.health where name = 'leader'":                   "null|a replica does not know the leader",
		"select name from jobs.health where area = 'replica'":                                                                     "replay",
	} {
		if got := ask(t, replica, sql); got != want {
			t.Errorf("%s: got %q, want %q", sql, got, want)
		}
	}

	lookAround(t, replica)
	files, err := filepath.Glob("reports/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		report(t, replica, strings.TrimSuffix(filepath.Base(file), ".sql"))
	}

	// Without a worker in work.worker, a plain River program may lead and take the jobs.
	do(t, primary, "delete from work.worker; delete from river.river_leader")
	testdb.CatchUp(t, primary, replica)
	const why = "select coalesce(waiting, 'null') from jobs.job where id = 9"
	if got := ask(t, replica, why) + ", " + ask(t, primary, why); got != "null, no_worker" {
		t.Errorf("without workers: %s", got)
	}
}

// lookAround runs the commands that only read.
func lookAround(t *testing.T, db surface.DB) {
	t.Helper()
	for _, f := range []surface.Filter{
		{Limit: 100},
		{Limit: 100, States: []string{"available"}, Kinds: []string{"sweep"}, Since: surface.Ago(24 * time.Hour)},
		{Limit: 100, Requests: []string{"r1"}},
		{Limit: 100, Errors: []string{"f1"}},
		{Limit: 100, Args: []surface.Arg{{Path: "reader_id", Values: []string{"7"}}}},
	} {
		for _, all := range []bool{false, true} {
			if table, err := surface.List(t.Context(), db, f, all); err != nil || len(table.Rows) == 0 {
				t.Errorf("jobs list %+v: %d rows, %v", f, len(table.Rows), err)
			}
		}
		if _, _, err := surface.Find(t.Context(), db, f); err != nil {
			t.Errorf("find %+v: %v", f, err)
		}
	}
	for _, v := range surface.Views() {
		for _, all := range []bool{false, true} {
			if _, err := surface.Look(t.Context(), db, v, 100, all); err != nil {
				t.Errorf("jobs %s: %v", v.Name, err)
			}
		}
	}
	for id := int64(1); id <= 11; id++ {
		if _, err := surface.Show(t.Context(), db, id); err != nil {
			t.Errorf("jobs show %d: %v", id, err)
		}
		if _, err := surface.Explain(t.Context(), db, id); err != nil {
			t.Errorf("jobs explain %d: %v", id, err)
		}
	}
}

func list(t *testing.T, db surface.DB, sql string) []string {
	t.Helper()
	rows, err := db.Query(t.Context(), sql)
	if err != nil {
		t.Fatal(err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(names) == 0 {
		t.Fatalf("%s: %d, %v", sql, len(names), err)
	}
	return names
}
