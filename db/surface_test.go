package db_test

import (
	"strings"
	"testing"

	"github.com/backlist/backlist/internal/testdb"
)

// TestViews checks each view's main columns.
func TestViews(t *testing.T) {
	t.Parallel()
	tx := peopled(t)
	for _, c := range []struct{ sql, want string }{
		{"select args from jobs.job where id = 1", `{"to": 7, "pet": "[redacted]", "deep": [{"n": null, "Password": "[redacted]"}], "api_key": "[redacted]"}`},
		{"select progress || progress_note || request_id || parent_id from jobs.job where id = 2", "404 of 10r13"},
		{"select logs ->> 0 || (metadata ? 'river:log')::text from jobs.job where id = 3", `{"log": "hello", "attempt": 1}false`},
		{"select string_agg(concat_ws(': ', id, waiting, why_waiting), E'\n' order by id) from jobs.job where waiting is not null or why_waiting is not null", strings.Join([]string{
			"1: queued: waiting its turn", "4: backing_off: failed; waiting for its next attempt", "7: scheduled: scheduled for later",
			"8: pending: pending until it is released", "9: no_worker_for_kind: no live worker takes this kind",
			"10: no_worker_for_queue: no live worker takes this queue", "11: unreadable: the arguments cannot be read",
		}, "\n")},
		{"select last_error || coalesce(parent_id, 0) || deaths || (progress is null) from jobs.job where id = 5", "last00true"},
		{"select metadata is null from jobs.job where id = 6", "true"},
		{"select wait || ' ' || run from jobs.job where id = 3", "00:00:10 00:00:01"},
		{"select string_agg(queue || available || running || scheduled || retryable || pending || workers, ' ' order by queue) from jobs.queue", "default201111 mail110001 other100000"},
		{"select oldest_wait::text from jobs.queue where queue = 'mail'", "00:01:30"},
		{"select concat_ws(' ', wait_p50, run_p50, run_p99, failing_share) from jobs.queue where queue = 'default'", "00:00:00.768 00:00:00.001 00:17:18.09024 0.1"},
		{"select finished_per_minute between 89 and 113 and started_per_minute between 99 and 126 from jobs.queue where queue = 'default'", "true"},
		{
			"select string_agg(concat_ws(' ', kind, registered, available, running, retryable, pending, workers, failed_day, failing_share, run_p50), E'\n' order by kind) from jobs.kind",
			"count t 2 0 1 1 1 910 0.1 00:00:00.001\nsend t 1 1 0 0 1 0\nsweep t 1 0 0 0 0 0",
		},
		{"select concat_ws(' ', message, kinds, this_hour, last_day, last_month, affected_jobs, muted, regressed) from jobs.error", "no {count,send} 2 2 7 1 f f"},
		{"select string_agg(concat_ws(' ', kind, release, attempts), E'\n' order by hour, kind) from jobs.error_hour", "send v1 5\ncount v1 2"},
		{"select count(*) from jobs.aside", "0"},
		{"select aside from jobs.error", "false"},
		// Hours are in UTC, also for sessions in zones that differ by three quarters of an hour.
		{"select this_hour from jobs.error, set_config('timezone', 'Asia/Kathmandu', true)", "2"},
		{"select set_config('timezone', 'UTC', true)", "UTC"},
		{"select string_agg(worker || status || alive || coalesce(jobs::text, '-'), ' ' order by worker) from jobs.worker", "w1workingtrue{2} w2deadfalse-"},
		{"select concat_ws(' ', words, missed, last_outcome, last_job, last_runs -> 0 ->> 'state', overdue is null) from jobs.schedule", "every day at 04:00 3 enqueued 3 completed t"},
		{
			`with bad as (insert into work.schedule (name, kind, args, spec, missed, broken, next_at) values
				('bad', 'send', '{"n": "\u0000"}', '0 4 * * 8', 'once', 'spec: wrong', now() - interval '1 h') returning name)
			select name from bad`, "bad",
		},
		{"select concat_ws(' ', broken, dirty, args is null, overdue is null) from jobs.schedule where name = 'bad'", "spec: wrong t t t"},
		{"select concat_ws(' ', value, status, detail like '2 schedules, 1 of them broken, the next is due at %') from jobs.health where name = 'scheduler'", "0 warn t"},
		{"delete from work.schedule where name = 'bad' returning name", "bad"},
		{"select concat_ws(' ', ended, failing_share, wait_p95, run_p99, wait_total) from jobs.minute order by minute desc limit 1", "100 0.1 00:00:00.9984 00:17:18.09024 00:01:10"},
		{"select concat_ws(' ', took, job_count, stands_for) from jobs.request", "00:00:01 2 1"},
		{"select count(*) || string_agg(distinct outcome, '') from jobs.attempt where job_id = 4", "2failed"},
		{"select string_agg(distinct area, ' ' order by area) from jobs.health where area <> 'snapshot'", "connections index notices service table"},
		{"select status || detail from jobs.health where name = 'rescuer'", "ok0 jobs run with no live worker"},
		{"select concat_ws(' ', status, detail, advice ~ '^The leader deletes') from jobs.health where name = 'leader'", "warn no leader t"},
	} {
		if got := ask(t, tx, c.sql); got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.sql, got, c.want)
		}
	}
}

// TestAttemptsOfAnOlderRelease: a rescuer of an older release writes no code; a trigger derives it from the text.
func TestAttemptsOfAnOlderRelease(t *testing.T) {
	t.Parallel()
	tx := peopled(t)
	do(t, tx, `insert into work.attempt (job_id, attempt, kind, queue, outcome, worker, release, due_at, started_at, ended_at, error)
		select 50, nth, 'count', 'default', outcome, 'w1', 'v0', now(), now(), now(), error from (values
			(1, 'lost', 'the worker w1 died while it ran this job'), (2, 'cancelled', 'the worker w1 died while it ran this job'),
			(3, 'discarded', 'the worker w1 died while it ran this job alone: it is discarded as a poison pill'),
			(4, 'handed back', 'handed back by the worker w1 at its stop'), (5, 'lost', 'the worker w1 was given this job and never got it'),
			(6, 'lost', 'no worker that is known has this job'), (7, 'lost', 'the job no longer belongs to this attempt'),
			(8, 'discarded', 'the worker w1 died while it ran this job'), (9, 'failed', 'no')) as v (nth, outcome, error)`)
	want := "worker_died worker_died poison_pill worker_stopped not_received unregistered - - -"
	if got := ask(t, tx, "select string_agg(coalesce(code, '-'), ' ' order by attempt) from jobs.attempt where job_id = 50"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestLeadersRole: jobs.leader distinguishes a worker, a web process and another program.
func TestLeadersRole(t *testing.T) {
	t.Parallel()
	tx := peopled(t)
	for id, want := range map[string]string{"w1": "worker", "keeper/web.1-X": "maintenance", "theirs": "unregistered"} {
		do(t, tx, "delete from river.river_leader; insert into river.river_leader (leader_id, elected_at, expires_at) values ('"+id+"', now(), now() + interval '1 min')")
		if got := ask(t, tx, "select role from jobs.leader()"); got != want {
			t.Errorf("%s: got %s, want %s", id, got, want)
		}
	}
}

// TestReadingFunctions: explain, waterfall, percentile, search.
func TestReadingFunctions(t *testing.T) {
	t.Parallel()
	tx := peopled(t)
	for _, c := range []struct{ sql, want string }{
		{"select concat_ws('|', code, why, place, running, slots, workers) from jobs.explain(1)", "queued|waiting its turn|1|1|10|{w1}"},
		{"select concat_ws('|', code, why, advice) from jobs.explain(9)", "no_worker_for_kind|no live worker takes this kind|start a worker that takes it; jobs.worker lists those that are alive"},
		{"select expected_at = scheduled_at from jobs.explain(7) join jobs.job using (id)", "true"},
		{"select why like 'it was discarded at %: last' and advice = $$select * from jobs.retry(5, 'why')$$ from jobs.explain(5)", "true"},
		{"select concat_ws(' ', code, worker, started_at = finished_at, last_error) from jobs.explain(5)", "discarded w2 t last"},
		{"select (expected_at is null)::text from jobs.explain(9)", "true"}, // no worker takes it
		{"select (why like 'it was completed at %')::text from jobs.explain(3)", "true"},
		{"select concat_ws('|', code, why, advice) from jobs.explain(8)", "pending|pending until it is released|to release it: select * from jobs.run_now(8, 'why')"},
		{"select advice from jobs.explain(11)", "start a worker whose release can read its arguments, or: select * from jobs.cancel(11, 'why')"},
		{"select jobs.percentile('default', past => '1 hour', p => 0.5)::text", "00:00:00.768"},
		{"select jobs.percentile(kind => 'count', measure => 'run', p => 0.25)::text", "00:00:00.0005"},
		{"select (jobs.percentile(kind => 'none') is null)::text", "true"},
		{"select jobs.quantile('{0,0,0,1}', 1)::text || jobs.quantile('{1,1,1,1}', 0)::text", "00:00:00.00800:00:00"},
		{"select jobs.quantile(array_fill(0, array[25]) || 3, 0.5)::text", "04:39:37.216"}, // the last bucket has no upper bound
		{"select (jobs.quantile(null, 0.5) is null and jobs.quantile(array_fill(0, array[26]), 0.5) is null)::text", "true"},
		{"select array_agg(id)::text from jobs.search('{\"to\": 7}')", "{3,1}"},
		{"select array_agg(id)::text from jobs.search('{\"to\": 7}', kind => 'send')", "{1}"},
		{"select array_agg(id)::text from jobs.search('{\"to\": 7}', state => 'completed')", "{3}"},
		{"select count(*)::text from jobs.search('{\"api_key\": \"abc\"}')", "0"},
		{"select count(*)::text from jobs.search('{\"pet\": \"cat\"}')", "0"},
		{"select string_agg(concat_ws(' ', at_ms, ms, depth, what, name, job_id, outcome), E'\n') from jobs.waterfall('r1')", strings.Join([]string{
			"0 1000 0 request POST /orders/{id} 303", "5 2.5 1 step write",
			"1000 1 wait send 1 available",
			"1000 10000 1 wait count 3", "11000 1000 1 run count 3 completed", "11001 2 2 step read 3",
			"31000 50000 2 run send 2 running",
		}, "\n")},
	} {
		if got := ask(t, tx, c.sql); got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.sql, got, c.want)
		}
	}
}

// TestActsAreAudited: each act writes one audit row with who, what, why, and the values before and after.
func TestActsAreAudited(t *testing.T) {
	t.Parallel()
	tx := peopled(t)
	do(t, tx, "set local jobs.who = 'anna'")
	for _, c := range []struct{ act, want string }{
		{"jobs.retry(5, 'because')", `retry 5 default - because discarded available`},
		{"jobs.cancel(1, 'because')", `cancel 1 mail - because available cancelled`},
		{"jobs.discard(4, 'because')", `discard 4 default - because retryable discarded`},
		{"jobs.delete(4, 'because')", `delete 4 default - because discarded -`},
		{"jobs.run_now(7, 'because')", `run_now 7 default - because scheduled available`},
		{"jobs.snooze(7, now() + interval '1 h', 'because')", `snooze 7 default - because available scheduled`},
		{"jobs.undo((select max(id) from jobs.audit), 'because')", `undo 7 default - because scheduled available`},
		{"jobs.enqueue('send', '{}', reason => 'because')", `enqueue new mail - because - available`},
		{"jobs.copy(1, reason => 'because')", `copy new mail - because - available`},
		{"jobs.pause('mail', 'because')", `pause - mail - because - -`},
		{"jobs.resume('mail', 'because')", `resume - mail - because - -`},
		{"jobs.drain('w1', 'because')", `drain - - w1 because - -`},
		{"jobs.undrain('w1', 'because')", `undrain - - w1 because - -`},
		{"jobs.mute('f1', 'because')", `mute - - - because - -`},
		{"jobs.unmute('f1', 'because')", `unmute - - - because - -`},
		{"jobs.resolve('f1', 'because')", `resolve - - - because - -`},
	} {
		do(t, tx, "select * from "+c.act)
		got := ask(t, tx, `select concat_ws(' ', act, case when job_id > 100 then 'new' else coalesce(job_id::text, '-') end, coalesce(queue, '-'), coalesce(worker, '-'), reason,
			coalesce(before ->> 'state', '-'), coalesce(after ->> 'state', '-')) from jobs.audit where who = 'anna' order by id desc limit 1`)
		if got != c.want {
			t.Errorf("%s: got %s, want %s", c.act, got, c.want)
		}
	}
	if n := ask(t, tx, "select count(*)::text from jobs.audit where role = session_user and at = now() and xid > 0"); n != "16" {
		t.Errorf("%s entries, want 16", n)
	}
	do(t, tx, "select jobs.unmute('f1'), jobs.resolve('f1'), jobs.mute('f1'), jobs.mute('f1', 'again')")
	if got := ask(t, tx, "select string_agg(concat_ws(' ', act, before, after), ', ' order by id) from (select * from jobs.audit order by id desc limit 2) a"); got != `resolve {"resolved": false} {"resolved": true}, mute {"muted": false} {"muted": true}` {
		t.Errorf("acts that change nothing are recorded: %s", got)
	}
	do(t, tx, "insert into river.river_queue (name, updated_at) values ('keeper', now()); select * from jobs.pause('*', 'all')") // a web process's
	if got := ask(t, tx, "select count(*)::text from river.river_queue where name = 'keeper' and paused_at is not null"); got != "0" {
		t.Error("a queue that only a web process has was paused")
	}
	if got := ask(t, tx, "select string_agg(concat_ws(' ', queue, paused, paused_by, paused_reason), ', ' order by queue) from jobs.queue where paused"); got != "default t anna all, mail t anna all" {
		t.Error(got)
	}
	if got := ask(t, tx, "select waiting from jobs.job where id = 11"); got != "unreadable" {
		t.Error(got)
	}
	if got := ask(t, tx, "select (expected_at is null)::text from jobs.explain(7)"); got != "true" {
		t.Error("a job of a paused queue has an expected start")
	}
	do(t, tx, "update work.worker set dead_at = now() where id = 'w1'")
	if got := ask(t, tx, "select concat_ws(' ', code, worker, why like 'it has been running since % on worker w1, which is not alive', advice like 'any live worker %') from jobs.explain(2)"); got != "orphaned w1 t t" {
		t.Error("the explanation of a job whose worker died does not mention its rescue")
	}
	do(t, tx, "update work.worker set dead_at = null where id = 'w1'")
	if got := ask(t, tx, "select concat_ws('|', code, why, advice, paused_reason) from jobs.explain(9)"); got != "paused|its queue is paused|select * from jobs.resume('default', 'why')|all" {
		t.Error(got)
	}
}

const snapshot = `select md5(string_agg(j::text, '' order by id) || (select string_agg(q::text, '') from river.river_queue q)
	|| (select string_agg(w::text, '' order by id) from work.worker w) || (select count(*) from work.audit)) from river.river_job j`

// TestActsOnMany: acts change the jobs that they can, and return a row for each id.
func TestActsOnMany(t *testing.T) {
	t.Parallel()
	tx := peopled(t)
	for _, c := range []struct{ call, want string }{
		{"jobs.cancel(array(select id from jobs.job where id in (1, 2, 3)) || 99::bigint)", "1 cancelled true -|2 running true -|3 completed false Job 3 is already completed.|99 - false There is no job 99."},
		{"jobs.run_now('{7,8,7}'::bigint[])", "7 available true -|8 available true -"},
		{"jobs.discard('{4,5}'::bigint[])", "4 discarded true -|5 discarded false Job 5 is already discarded."},
		{"jobs.retry('{4,5,6}'::bigint[])", "4 available true -|5 available true -|6 available true -"},
		{"jobs.delete('{1,2}'::bigint[])", "1 - true -|2 running false Job 2 is running: cancel it first, and wait until it has stopped."},
		{"jobs.delete('{}'::bigint[])", ""},
	} {
		got := ask(t, tx, "select coalesce(string_agg(concat_ws(' ', id, coalesce(state, '-'), changed::text, coalesce(note, '-')), '|' order by id), '') from "+c.call)
		if got != c.want {
			t.Errorf("%s: got %s, want %s", c.call, got, c.want)
		}
	}
}

// TestDuplicates: where River would discard a job or raise a raw error, the acts refuse with a sentence.
func TestDuplicates(t *testing.T) {
	t.Parallel()
	tx := peopled(t)
	do(t, tx, `update river.river_job set unique_key = 'k', unique_states = B'11110101' where id in (5, 1, 6);
		update river.river_job set unique_key = 'm', unique_states = B'11010001' where id in (4, 9)`)
	for call, says := range map[string]string{
		"jobs.retry(5)":   "Job 5 is a duplicate of job 1, which is available: only one of them may wait or run.",
		"jobs.run_now(4)": "Job 4 is a duplicate of job 9, which is available: only one of them may wait or run.",
	} {
		if err := fails(t, tx, "select * from "+call); err == nil || err.Message != says {
			t.Errorf("%s: %v, want %s", call, err, says)
		}
	}
	if got := ask(t, tx, "select code || twin || coalesce(expected_at::text, '') from jobs.explain(4)"); got != "duplicate9" { // it would be discarded
		t.Error(got)
	}
	do(t, tx, "select * from jobs.cancel(1)")
	got := ask(t, tx, "select string_agg(concat_ws(' ', id, changed::text, note), '|' order by id) from jobs.retry('{5,6,1}'::bigint[])")
	if want := "1 true|5 false Job 5 is a duplicate of job 1, which is among these jobs and comes first.|6 false Job 6 is a duplicate of job 1, which is among these jobs and comes first."; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestEnqueueFromATrigger is the example of the documentation: the job commits and rolls back with the user's own row.
func TestEnqueueFromATrigger(t *testing.T) {
	t.Parallel()
	tx := peopled(t)
	do(t, tx, `
		create table orders (id int primary key, total int);
		create function order_placed() returns trigger language plpgsql as $$
		begin
			perform jobs.enqueue('send', json_build_object('order_id', new.id), unique_by_args => true);
			return new;
		end $$;
		create trigger order_placed after insert on orders for each row execute function order_placed();
		insert into orders values (41, 10);
		savepoint before;
		insert into orders values (42, 10);
		rollback to before;`)
	if got := ask(t, tx, "select string_agg(concat_ws(' ', kind, queue, priority, max_attempts, tags, args), ';') from jobs.job where id > 100"); got != `send mail 2 5 {outward} {"order_id": 41}` {
		t.Error(got)
	}
}

// TestViewsAreReadOnly: a view cannot be used to change a job against River's rules.
func TestViewsAreReadOnly(t *testing.T) {
	t.Parallel()
	if got := ask(t, testdb.Tx(t), "select coalesce(string_agg(table_name, ' '), '') from information_schema.views where table_schema = 'jobs' and (is_updatable = 'YES' or is_insertable_into = 'YES')"); got != "" {
		t.Errorf("views that can be written to: %s", got)
	}
}
