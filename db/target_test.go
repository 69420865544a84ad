package db_test

import (
	"strings"
	"testing"

	"github.com/backlist/backlist/internal/testdb"
)

// judged writes $1 minutes and the one that grows, each with 100 attempts of two kinds in the queue mail. $2 of those of send are late.
const judged = `insert into work.minute_release (minute, queue, kind, release, completed, judged, late, wait, run, wait_s, run_s)
	select date_trunc('minute', now()) - m * interval '1 min', 'mail', k, 'v1', 100, 100, case when k = 'send' then $2::int else 0 end, '{}', '{}', 0, 0
	from generate_series(0, $1::int) m, unnest('{send,count}'::text[]) k`

// TestWaitTarget: its budget and burn rates, and each of its states.
func TestWaitTarget(t *testing.T) {
	t.Parallel()
	const look = "select concat_ws(' ', state, attempts, late, waiting_late, round(budget::numeric, 2), round(budget_used::numeric, 2), round(burn_1h::numeric, 1), round(burn_6h::numeric, 1), kinds) from jobs.wait_target"
	for _, c := range []struct {
		name          string
		minutes, late int
		also, want    string
	}{
		{"nothing was judged", -1, 0, "delete from river.river_job", "no_data 0 0 0 0.00 []"},
		{"only waiting jobs", -1, 0, "", "spent 0 0 1 0.01 100.00 100.0 100.0 []"},
		{"in time", 599, 0, "delete from river.river_job", "ok 120000 0 0 1200.00 0.00 0.0 0.0 []"},
		{"half of it", 599, 1, "delete from river.river_job", `ok 120000 600 0 1200.00 0.50 0.5 0.5 [{"kind": "send", "late": 600}]`},
		{"with what still waits", 599, 1, "", `ok 120000 600 1 1200.01 0.50 0.5 0.5 [{"kind": "send", "late": 600}]`},
		{"used up", 599, 3, "delete from river.river_job", `spent 120000 1800 0 1200.00 1.50 1.5 1.5 [{"kind": "send", "late": 1800}]`},
		{
			"an hour of trouble", 1999, 0,
			"delete from river.river_job; update work.minute_release set late = 15 where minute > date_trunc('minute', now()) - interval '1 h'",
			`burning 400000 1800 0 4000.00 0.45 15.0 2.5 [{"kind": "count", "late": 900}, {"kind": "send", "late": 900}]`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			tx := testdb.Tx(t)
			do(t, tx, what+"select * from jobs.set_wait_target('mail', '5 s')")
			if _, err := tx.Exec(t.Context(), judged, c.minutes, c.late); err != nil {
				t.Fatal(err)
			}
			do(t, tx, c.also)
			if got := ask(t, tx, look); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestSetWaitTarget: what is set, changed and cleared is audited; what changes nothing is not; and mistakes are refused by a code.
func TestSetWaitTarget(t *testing.T) {
	t.Parallel()
	tx := peopled(t)
	for _, c := range []struct{ sql, want string }{
		{"select concat_ws(' ', queue_name, target_within, target_share, changed) from jobs.set_wait_target('mail', '5 s', reason => 'promised')", "mail 00:00:05 0.99 t"},
		{"select changed from jobs.set_wait_target('mail', '5 s', 0.99, 'again')", "false"},
		{"select concat_ws(' ', within, share, reason) from jobs.wait_target", "00:00:05 0.99 promised"},
		{"select changed from jobs.set_wait_target('mail', '2 s', 0.95, 'stricter')", "true"},
		{"select changed from jobs.clear_wait_target('mail', 'enough')", "true"},
		{"select changed from jobs.clear_wait_target('mail')", "false"},
		{"select count(*) from jobs.wait_target", "0"},
		{
			"select string_agg(concat_ws(' ', act, queue, reason, before, after), E'\n' order by id) from jobs.audit", strings.Join([]string{
				`set_wait_target mail promised {"share": 0.99, "within": "00:00:05"}`,
				`set_wait_target mail stricter {"share": 0.99, "within": "00:00:05"} {"share": 0.95, "within": "00:00:02"}`,
				`clear_wait_target mail enough {"share": 0.95, "within": "00:00:02"}`,
			}, "\n"),
		},
	} {
		if got := ask(t, tx, c.sql); got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.sql, got, c.want)
		}
	}
	last := "(select max(id) from jobs.audit where undo_until is not null)"
	now := "(select string_agg(within || ' ' || share, ' ') from jobs.wait_target)"
	for _, c := range []struct{ sql, want string }{
		{"select concat_ws(' ', changed, code) from jobs.undo(" + last + ", 'not enough')", "t"}, // of the clearing
		{"select " + now, "00:00:02 0.95"},
		{"select concat_ws(' ', act, queue, reason, undoes is not null, before, after) from jobs.audit order by id desc limit 1", `undo mail not enough t {"share": 0.95, "within": "00:00:02"}`},
		{"select reason from jobs.wait_target", "not enough"},
		{"select string_agg(coalesce(code, '-'), ' ' order by audit_id) from jobs.may_undo(array(select id from jobs.audit))", "changed - changed -"},
		{"select changed from jobs.undo(" + last + ")", "true"}, // of the undo
		{"select coalesce(" + now + ", 'none')", "none"},
		{"select string_agg(concat_ws(' ', changed, code), ', ' order by audit_id) from jobs.undo(array(select min(id) from jobs.audit))", "f changed"},
		{"select changed from jobs.set_wait_target('mail', '7 s', 0.9)", "true"},
		{"select changed from jobs.undo(" + last + ")", "true"}, // of the first target: there was none
		{"select coalesce(" + now + ", 'none')", "none"},
	} {
		if got := ask(t, tx, c.sql); got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.sql, got, c.want)
		}
	}
	for sql, code := range map[string]string{
		"select * from jobs.set_wait_target('nail', '5 s')":        "P0002",
		"select * from jobs.clear_wait_target('nail')":             "P0002",
		"select * from jobs.set_wait_target(null, '5 s')":          "P0002",
		"select * from jobs.set_wait_target('mail', null)":         "22023",
		"select * from jobs.set_wait_target('mail', '-5 s')":       "22023",
		"select * from jobs.set_wait_target('mail', '2 days')":     "22023",
		"select * from jobs.set_wait_target('mail', '5 s', 1)":     "22023",
		"select * from jobs.set_wait_target('mail', '5 s', 'NaN')": "22023",
		"select * from jobs.series('1 min')":                       "22023",
		"select * from jobs.series(null)":                          "22023",
	} {
		if got := fails(t, tx, sql).Code; got != code {
			t.Errorf("%s: %q, want %s", sql, got, code)
		}
	}
}

// TestSeries: an interval has 60 to 180 buckets without gaps, of which the last one grows.
func TestSeries(t *testing.T) {
	t.Parallel()
	tx := peopled(t)
	for past, want := range map[string]string{
		"1 h": "60 00:01:00", "3 h": "180 00:01:00", "182 min": "91 00:02:00", "6 h": "180 00:02:00", "365 min": "73 00:05:00", "15 h": "180 00:05:00",
		"24 h": "144 00:10:00", "30 h": "180 00:10:00", "31 h": "62 00:30:00", "90 h": "180 00:30:00", "5 days": "120 01:00:00",
		"7 days": "84 02:00:00", "15 days": "180 02:00:00", "30 days": "120 06:00:00", "45 days": "180 06:00:00", "90 days": "180 12:00:00",
	} {
		if got := ask(t, tx, "select count(*) || ' ' || max(span) from jobs.series('"+past+"')"); got != want {
			t.Errorf("%s: %s, want %s", past, got, want)
		}
		for _, filter := range []string{"'default'", "kind => 'count'", "'default', 'count'"} {
			sql := "select sum(ended) || ' ' || bool_and(at = first or span = at - before) || ' ' || count(*) filter (where growing) || ' ' || bool_and(growing = (at = last)) from (select *, lag(at) over (order by at) as before, min(at) over () as first, max(at) over () as last from jobs.series('" + past + "', " + filter + ")) s"
			total := "9100"
			if past == "1 h" {
				total = "6000"
			}
			if got := ask(t, tx, sql); got != total+" true 1 true" {
				t.Errorf("%s, %s: %s", past, filter, got)
			}
		}
	}
	for _, c := range []struct{ sql, want string }{
		{"select concat_ws(' ', completed, failed, discarded, ended, ended_per_second, judged, late, wait_p50, run_p99) from jobs.series('1 h') order by at desc offset 1 limit 1", "90 10 0 100 1.6666666666666667 0 0 00:00:00.768 00:17:18.09024"},
		{"select concat_ws(' ', completed, ended_per_second, wait_p50 is null, available is null) from jobs.series('1 h', 'none') order by at limit 1", "0 0 t t"},
		{"select ended_per_second > 0 from jobs.series('1 h') where growing", "true"},
		{"select jobs.quantiles('{0,2,0,2}', '{0,0.5,0.75,1}')::text", "{00:00:00.001,00:00:00.002,00:00:00.006,00:00:00.008}"},
		{"select jobs.quantiles('{0,2,0,2}', '{0.25,0.75}', 4) = jobs.quantiles('{0,2,0,2}', '{0.25,0.75}')", "true"},
		{"select (jobs.quantiles('{0,0}', '{0.5}'))[1] is null and (jobs.quantiles(null, '{0.5}'))[1] is null and (jobs.quantiles(null, null))[1] is null", "true"},
	} {
		if got := ask(t, tx, c.sql); got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.sql, got, c.want)
		}
	}
}
