package db_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/backlist/backlist/internal/testdb"
)

// what is the data of a small system: two workers (one dead), three kinds, jobs in every state, a day of history.
const what = `
insert into work.kind (kind, secrets, opts) values ('send', '{pet}', '{"queue": "mail", "priority": 2, "max_attempts": 5, "tags": ["outward"]}'), ('count', '{}', '{}'), ('sweep', '{}', '{}');
insert into work.worker (id, dyno, slots, running, lock_key, queues, kinds, dead_at) values
    ('w1', 'worker.1', 10, 1, 1, '{default,mail}', '{send,count}', null), ('w2', 'worker.2', 10, 0, 2, '{default}', '{send,count}', now());
insert into river.river_queue (name, updated_at) values ('default', now()), ('mail', now());
insert into river.river_job (id, kind, queue, state, attempt, max_attempts, args, metadata, scheduled_at, attempted_at, attempted_by, finalized_at, errors, tags) values
    (1, 'send', 'mail', 'available', 0, 25, '{"to": 7, "api_key": "abc", "deep": [{"Password": "x", "n": null}], "pet": "cat"}', '{"request_id": "r1"}', now() - interval '90 s', null, null, null, null, '{}'),
    (2, 'send', 'mail', 'running', 1, 25, '{"to": 8}', '{"request_id": "r1", "parent_id": 3, "progress": {"percent": 40, "sentence": "4 of 10", "at": "x"}}', now() - interval '60 s', now() - interval '50 s', '{w1}', null, null, '{}'),
    (3, 'count', 'default', 'completed', 1, 25, '{"to": 7}', '{"request_id": "r1", "river:log": [{"attempt": 1, "log": "hello"}]}', now() - interval '80 s', now() - interval '70 s', '{w1}', now() - interval '69 s', null, '{a_tag}'),
    (4, 'count', 'default', 'retryable', 2, 25, '{}', '{}', now() + interval '10 min', now(), '{w1}', null, array['{"at": "x", "attempt": 1, "error": "no", "trace": ""}']::jsonb[], '{}'),
    (5, 'count', 'default', 'discarded', 5, 5, '{}', '{"parent_id": "odd", "deaths": "odd", "progress": 3}', now(), now(), '{w2}', now(), array['{"error": "first"}', '{"error": "last"}']::jsonb[], '{}'),
    (6, 'count', 'default', 'cancelled', 0, 5, '{}', '[]', now(), null, null, now(), null, '{}'),
    (7, 'count', 'default', 'scheduled', 0, 5, '{}', '{}', now() + interval '1 hour', null, null, null, null, '{}'),
    (8, 'count', 'default', 'pending', 0, 5, '{}', '{}', now(), null, null, null, null, '{}'),
    (9, 'sweep', 'default', 'available', 0, 5, '{}', '{}', now() - interval '1 s', null, null, null, null, '{}'),
    (10, 'count', 'other', 'available', 0, 5, '{}', '{}', now() - interval '1 s', null, null, null, null, '{}'),
    (11, 'count', 'default', 'available', 0, 5, '{}', '{"held": "the arguments cannot be read"}', now() + interval '9 min', null, null, null, null, '{}');
update river.river_job set created_at = now() - interval '80 s';
select nextval('river.river_job_id_seq') from generate_series(1, 100); -- setval could take the sequence back, which no rollback undoes, under another test
insert into work.attempt (job_id, attempt, kind, queue, outcome, worker, release, request_id, parent_id, due_at, started_at, ended_at, error, fingerprint, steps) values
    (3, 1, 'count', 'default', 'completed', 'w1', 'v1', 'r1', null, now() - interval '80 s', now() - interval '70 s', now() - interval '69 s', null, null, '[{"name": "read", "at_ms": 1, "ms": 2, "queries": 3, "sql_ms": 1}]'),
    (4, 1, 'count', 'default', 'failed', 'w1', 'v1', null, null, now() - interval '80 s', now() - interval '70 s', now() - interval '69 s', 'no', 'f1', null),
    (4, 2, 'count', 'default', 'failed', 'w1', 'v1', null, null, now() - interval '80 s', now() - interval '70 s', now() - interval '69 s', 'no', 'f1', null);
insert into work.request (id, method, route, status, started_at, ended_at, release, process, jobs, steps) values
    ('r1', 'POST', '/orders/{id}', 303, now() - interval '81 s', now() - interval '80 s', 'v1', 'web.1', '{1,3}', '[{"name": "write", "at_ms": 5, "ms": 2.5, "queries": 3, "sql_ms": 1}]');
insert into work.error (fingerprint, message, first_seen_at, last_seen_at, first_release, last_release) values ('f1', 'no', now() - interval '3 days', now(), 'v1', 'v1');
insert into work.error_hour (fingerprint, hour, kind, release, attempts) values ('f1', date_trunc('hour', now()), 'count', 'v1', 2), ('f1', date_trunc('hour', now()) - interval '3 days', 'send', 'v1', 5);
insert into work.minute (minute, queue, kind, completed, failed, discarded, wait, run, wait_s, run_s)
select date_trunc('minute', now()) - i * interval '1 min', 'default', 'count', 90, 10, 0,
    array_fill(0, array[10]) || 100 || array_fill(0, array[15]), 50 || array_fill(0, array[19]) || 50 || array_fill(0, array[5]), 70, 200
from generate_series(0, 90) as i;
insert into work.schedule (name, kind, spec, words, missed, next_at, declared) values ('nightly', 'sweep', '0 4 * * *', 'every day at 04:00', 'once', now() + interval '1 h', '');
insert into work.tick (schedule, due_at, outcome, job_id, missed, by) values ('nightly', now() - interval '1 day', 'enqueued', 3, 2, 'w1'), ('nightly', now() - interval '2 days', 'skipped', null, 0, 'w1');
`

// peopled returns a transaction on a database with this data.
func peopled(t *testing.T) pgx.Tx {
	t.Helper()
	tx := testdb.Tx(t)
	do(t, tx, what)
	return tx
}

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

// TestBadUse: invalid calls fail with a sentence and change nothing.
func TestBadUse(t *testing.T) {
	t.Parallel()
	tx := peopled(t)
	do(t, tx, "insert into river.river_queue (name, updated_at) values ('keeper', now())")
	before := ask(t, tx, snapshot)
	for _, c := range []struct{ call, says string }{
		{"jobs.enqueue('unknown')", "No worker knows the kind 'unknown': the job would never run. Known kinds: count, send, sweep."},
		{"jobs.enqueue('x')", "The kind 'x' is not valid"},
		{"jobs.enqueue(null)", "The kind NULL is not valid"},
		{"jobs.enqueue('send', '[1]')", "The arguments must be a JSON object"},
		{"jobs.enqueue('send', null)", "The arguments must be a JSON object"},
		{`jobs.enqueue('send', '{"a": "\u0000"}')`, `args is JSON that Postgres cannot store: \u0000 cannot be converted to text.`},
		{`jobs.enqueue('send', '{"a": "\ud83d"}')`, `args is JSON that Postgres cannot store: Unicode low surrogate must follow a high surrogate.`},
		{`jobs.enqueue('send', '{"a": 1e999999}')`, `args is JSON that Postgres cannot store: value overflows numeric format.`},
		{`jobs.enqueue('send', '{"a": [{"b": 1, "b": 2}]}')`, `args has the key "a.b" twice`},
		{"jobs.enqueue('send', scheduled_at => to_timestamp(1764000000000))", "scheduled_at must be in the years 1 to 9999, not 57868-12-07"},
		{"jobs.enqueue('send', unique_by_period => '106752 days')", "unique_by_period must be at most 106751 days"},
		{`jobs.search('{"a": 1}', state => 'gone')`, "'gone' is not a state."},
		{"jobs.enqueue('send', queue => 'Mail')", "The queue name 'Mail' is not valid"},
		{"jobs.enqueue('send', queue => '')", "The queue name '' is not valid"},
		{"jobs.enqueue('send', queue => repeat('a', 65))", "is not valid"},
		{"jobs.enqueue('send', queue => '*')", "The queue name '*' is not valid"},
		{"jobs.enqueue('send', priority => 5)", "The priority must be from 1 (first) to 4 (last), not 5."},
		{"jobs.enqueue('send', priority => 0)", "The priority must be from 1"},
		{"jobs.enqueue('send', scheduled_at => 'infinity')", "scheduled_at must be a time, not infinity."},
		{"jobs.enqueue('send', max_attempts => 0)", "max_attempts must be from 1 to 32767"},
		{"jobs.enqueue('send', max_attempts => 32768)", "max_attempts must be from 1 to 32767"},
		{"jobs.enqueue('send', tags => '{\"a,b\"}')", "The tag 'a,b' is not valid"},
		{"jobs.enqueue('send', tags => '{ok_tag,null}')", "The tag NULL is not valid"},
		{"jobs.enqueue('send', metadata => '1')", "The metadata must be a JSON object"},
		{"jobs.enqueue('send', unique_by_period => '0.5 s')", "unique_by_period must be at least 1 second"},
		{"jobs.enqueue('send', unique_by_period => '1 month')", "unique_by_period must be in weeks, days or less"},
		{"jobs.enqueue('send', unique_exclude_kind => true)", "unique_exclude_kind needs"},
		{"jobs.enqueue('send', unique_by_state => '{running}')", "unique_by_state must contain"},
		{"jobs.enqueue('send', unique_by_state => '{available,pending,running,scheduled,gone}')", "'gone' is not a state"},
		{"jobs.retry(2)", "Job 2 is running already."},
		{"jobs.retry(1)", "Job 1 is available already"},
		{"jobs.retry(99)", "There is no job 99."},
		{"jobs.retry(null::bigint)", "The job id is null."},
		{"jobs.cancel(3)", "Job 3 is already completed."},
		{"jobs.cancel(99)", "There is no job 99."},
		{"jobs.discard(2)", "Job 2 is running: cancel it first"},
		{"jobs.discard(5)", "Job 5 is already discarded."},
		{"jobs.delete(2)", "Job 2 is running: cancel it first"},
		{"jobs.run_now(2)", "Job 2 is running already."},
		{"jobs.run_now(3)", "Job 3 is completed: jobs.retry runs it again."},
		{"jobs.run_now(1)", "Job 1 is available already"},
		{"jobs.snooze(2, now() + interval '1 h')", "Job 2 is running: only waiting jobs can be snoozed."},
		{"jobs.snooze(8, now() + interval '1 h')", "Job 8 is pending and has no time to run: jobs.run_now(8) releases it."},
		{"jobs.snooze(1, now())", "until must be in the future and before the year 10000, not "},
		{"jobs.snooze(1, null)", "until must be in the future and before the year 10000, not null."},
		{"jobs.snooze(1, 'infinity')", "until must be in the future and before the year 10000, not infinity."},
		{"jobs.undo(99)", "There is no entry 99 in jobs.audit."},
		{"jobs.undo(null::bigint)", "The entry id is null."},
		{"jobs.copy(99)", "There is no job 99."},
		{"jobs.copy(null)", "The job id is null."},
		{"jobs.copy(5, null)", "The changes are a JSON object"},
		{`jobs.copy(5, '{"a": 1, "a": 2}')`, `changes has the key "a" twice`},
		{`jobs.copy(5, '{"a": [{"b": "[redacted]"}]}')`, `The changes contain "[redacted]", which stands for a hidden value.`},
		{`jobs.copy(1, '{"to": 9}')`, "The kind send marks keys as secret: its jobs can be copied only without changes to their arguments."},
		{"jobs.copy(5, queue => 'Mail')", "The queue name 'Mail' is not valid"},
		{"jobs.pause('none')", "There is no queue 'none' to pause: a queue is known once a worker has used it. Known queues: default, mail."},
		{"jobs.pause('keeper')", "Known queues: default, mail."}, // a web process's, which takes no jobs
		{"jobs.pause(null)", "There is no queue null"},
		{"jobs.resume('none')", "There is no queue 'none' to resume. Paused queues: none."},
		{"jobs.drain('none')", "There is no worker 'none'"},
		{"jobs.drain('w2')", "Worker w2 is gone: it was declared dead at"},
		{"jobs.undrain('none')", "There is no worker 'none'"},
		{"jobs.mute('none')", "There is no error 'none'"},
		{"jobs.may('{1}', 'dance')", "The acts on jobs are retry, cancel, discard, delete, run_now and snooze, not 'dance'."},
		{"jobs.explain(99)", "There is no job 99"},
		{"jobs.waterfall('none')", "There is no record of request 'none'"},
		{"jobs.percentile(p => 2)", "p is a share between 0 and 1"},
		{"jobs.percentile(measure => 'luck')", "measure is 'wait' or 'run', not 'luck'."},
		{"jobs.percentile(past => '-1 s')", "past is how far to look back"},
		{"jobs.search('{}')", "Say which arguments to look for"},
		{"jobs.search('{\"a\": 1}', max => 0)", "max must be from 1 to 10000."},
	} {
		err := fails(t, tx, "select * from "+c.call)
		if err == nil || !strings.Contains(err.Message, c.says) {
			t.Errorf("%s: %v, want %q", c.call, err, c.says)
		}
	}
	if after := ask(t, tx, snapshot); after != before {
		t.Errorf("rows changed:\n%s\n%s", before, after)
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

func TestRedaction(t *testing.T) {
	t.Parallel()
	tx := testdb.Tx(t)
	for key, secret := range map[string]bool{
		"password": true, "userPassword": true, "api_key": true, "apiKey": true, "access-key": true, "Authorization": true, "token": true,
		"client_secret": true, "session_id": true, "pin": true, "auth": true, "set-cookie": true, "card_number": true, `pass"word`: false,
		"author_id": false, "shipping": false, "key": false, "session": false, "pinned": false, "passenger": false, "monkey": false,
	} {
		value, _ := json.Marshal(map[string]any{key: "v", "list": []any{map[string]any{key: map[string]int{"deep": 1}}}})
		var got string
		if err := tx.QueryRow(t.Context(), "select jobs.redact($1::jsonb)::text", string(value)).Scan(&got); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(got, "[redacted]"); n != map[bool]int{true: 2, false: 0}[secret] {
			t.Errorf("%s: %s", value, got)
		}
	}
	if got := ask(t, tx, `select jobs.redact('{"Home": 1, "at": {"home": [2]}}', '{home}')::text`); got != `{"at": {"home": "[redacted]"}, "Home": "[redacted]"}` {
		t.Error(got)
	}
}

type runner interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

func do(t *testing.T, tx runner, sql string) {
	t.Helper()
	if _, err := tx.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func ask(t *testing.T, tx runner, sql string) string {
	t.Helper()
	var v any
	if err := tx.QueryRow(t.Context(), sql).Scan(&v); err != nil {
		t.Errorf("%s: %v", sql, err)
		return ""
	}
	switch v := v.(type) {
	case map[string]any:
		var text string
		if err := tx.QueryRow(t.Context(), "select ("+sql+")::text").Scan(&text); err != nil {
			t.Error(err)
		}
		return text
	case time.Time:
		return v.Format(time.RFC3339Nano)
	default:
		return fmt.Sprint(v)
	}
}

// fails runs sql in a savepoint and returns Postgres's error.
func fails(t *testing.T, tx pgx.Tx, sql string) *pgconn.PgError {
	t.Helper()
	inner, err := tx.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = inner.Rollback(context.WithoutCancel(t.Context())) }()
	_, err = inner.Exec(t.Context(), sql)
	pgErr, _ := err.(*pgconn.PgError)
	return pgErr
}
