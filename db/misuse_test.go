package db_test

import (
	"strings"
	"testing"
)

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
