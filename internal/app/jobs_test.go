package app

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net"
	"net/url"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/testdb"
)

// smallShop fills a job system with a worker, jobs in every state, an error and a schedule.
const smallShop = `
insert into work.kind (kind, secrets) values ('send', '{pet}'), ('count', '{}');
insert into work.worker (id, dyno, slots, running, lock_key, queues, kinds, seen_at) values
	('worker.1-AAAA', 'worker.1', 10, 1, 1, '{default,mail}', '{send,count}', now() + interval '1 hour');
insert into river.river_queue (name, updated_at) values ('default', now()), ('mail', now());
insert into river.river_job (id, kind, queue, state, attempt, max_attempts, args, metadata, scheduled_at, attempted_at, attempted_by, finalized_at, errors) values
	(1, 'send', 'mail', 'available', 0, 25, '{"to": 7, "api_key": "hush-hush", "pet": "hush-cat"}', '{"request_id": "r1"}', now() - interval '2 h', null, null, null, null),
	(2, 'send', 'mail', 'running', 1, 25, '{"to": 8}', '{}', now() - interval '60 s', now() - interval '50 s', '{worker.1-AAAA}', null, null),
	(3, 'count', 'default', 'completed', 1, 25, '{"to": 7}', '{}', now() - interval '80 s', now() - interval '70 s', '{worker.1-AAAA}', now() - interval '69 s', null),
	(4, 'count', 'default', 'retryable', 2, 25, '{}', '{}', now() + interval '10 min', now(), '{worker.1-AAAA}', null, array['{"error": "no"}']::jsonb[]),
	(5, 'count', 'default', 'discarded', 5, 5, '{}', '{}', now(), now(), '{worker.1-AAAA}', now(), array['{"error": "\u001b[31mred\nalert"}']::jsonb[]),
	(6, 'count', 'default', 'discarded', 5, 5, '{}', '{}', now() - interval '4 h', now() - interval '3 h 1 s', '{worker.1-AAAA}', now() - interval '3 h', array['{"error": "old"}']::jsonb[]),
	(7, 'count', 'default', 'scheduled', 0, 5, '{}', '{}', now() + interval '1 hour', null, null, null, null);
update river.river_job set created_at = now() - interval '4 h';
select setval('river.river_job_id_seq', 100);
insert into work.attempt (job_id, attempt, kind, queue, outcome, worker, release, due_at, started_at, ended_at, error, fingerprint) values
	(5, 5, 'count', 'default', 'discarded', 'worker.1-AAAA', 'v1', now() - interval '2 s', now() - interval '1 s', now(), 'red alert', 'f1'),
	(99, 1, 'count', 'default', 'completed', 'worker.1-AAAA', 'v1', now(), now(), now(), null, null);
insert into work.error (fingerprint, message, first_seen_at, last_seen_at, first_release, last_release) values ('f1', 'red alert', now(), now(), 'v1', 'v1');
insert into work.error_hour (fingerprint, hour, kind, release, attempts) values ('f1', date_trunc('hour', now()), 'count', 'v1', 1);
insert into work.release (name, first_seen_at) values ('v1', now() - interval '1 day');
insert into work.schedule (name, kind, spec, words, missed, next_at) values ('nightly', 'count', '0 4 * * *', 'every day at 04:00', 'once', now() + interval '1 h');
`

// shop returns the URL of a new database with smallShop.
func shop(t *testing.T) string {
	t.Helper()
	databaseURL := testdb.NewURL(t)
	if _, err := openPool(t, databaseURL).Exec(t.Context(), smallShop); err != nil {
		t.Fatal(err)
	}
	return databaseURL
}

// shell runs a command and returns its output and exit code.
func shell(t *testing.T, databaseURL, line string) (out string, code int) {
	t.Helper()
	stdout, stderr, err := inProcess(t, map[string]string{"DATABASE_URL": databaseURL}, strings.Fields(line)...)
	if err != nil {
		stderr += err.Error()
	}
	return stdout + stderr, ExitCode(err)
}

// TestJobsLook checks what each command shows of smallShop.
func TestJobsLook(t *testing.T) {
	t.Parallel()
	databaseURL := shop(t)
	for _, c := range []struct {
		line string
		code int
		want string // words of the output, in this order; "!" precedes words that it must not contain
	}{
		{"jobs list", 0, "id kind queue state attempt ago wait run why|5 count|[31mred alert|1 send mail available 0/25 4 h|waiting its turn|7 count default scheduled 0/5|for later"},
		{"jobs list --state available,running", 0, "1 send|2 send mail running|!count"},
		{"jobs list --state discarded --since 1h", 0, "5 count|!6 count"},
		{"jobs list --state discarded --since 1d", 0, "5 count|6 count"},
		{"jobs list --since yesterday", 2, "see: backlist help"},
		{"jobs list --since -1d", 2, "numbers and units up to 5200w"},
		{"jobs list --kind count --limit 1", 0, "5 count|!6 count"},
		{"jobs list --queue mail --worker worker.1-AAAA", 0, "2 send|!1 send"},
		{"jobs list --error f1", 0, "5 count|!6 count"},
		{"jobs list --request r1", 0, "1 send|!2 send"},
		{`jobs list --args {"to":7}`, 0, "3 count|1 send|!2 send"},
		{"jobs list --kind none", 1, "no such jobs"},
		{"jobs list --state broken", 2, `"broken" is not a state; states are available, `},
		{"jobs list --limit 0", 2, "at least 1"},
		{"jobs list --args 3", 2, "args is a JSON object"},
		{"jobs list 5", 0, "5 count|!6 count"},
		{"jobs list state:discarded since:1d", 0, "5 count|6 count|!4 count"},
		{"jobs list --kind count state:discarded since:1h", 0, "5 count|!6 count"},
		{"jobs list args.to:7", 0, "3 count|1 send|!2 send"},
		{"jobs list error:alert", 0, "5 count|!6 count"},
		{"jobs list stat:discarded", 2, `There is no key "stat". Write state: instead.`},
		{"jobs list since:1h --since 2h", 2, "A search has one since."},
		{"jobs show 1", 0, `id 1|kind send|args {"to": 7, "pet": "[redacted]", "api_key": "[redacted]"}|why waiting waiting its turn|!hush`},
		{"jobs show 1 --json", 0, `"api_key": "[redacted]"|!hush`},
		{"jobs show 5", 0, "last error|red alert|attempts of the last day|5 discarded|1.0 s 1.0 s worker.1-AAAA v1 red alert f1"},
		{"jobs show 99", 0, "has been cleaned away|1 completed"},
		{"jobs show 98", 1, "There is no job 98"},
		{"jobs show x", 2, `"x" is not a job id`},
		{"jobs show", 2, "usage: backlist jobs show ID"},
		{"jobs explain 4", 0, "why failed; waiting for its next attempt|advice|run_now(4, 'why')"},
		{"jobs explain 98", 1, "There is no job 98"},
		{"jobs queues", 0, "queue paused available|default no 0|mail no 1 1"},
		{"jobs kinds", 0, "count 0 0 1 1|send 1 1"},
		{"jobs workers", 0, "worker.1-AAAA working worker.1 - 1 10 default, mail"},
		{"jobs errors", 0, "f1 1 1 1|count - red alert"},
		{"jobs schedules", 0, "nightly count every day at 04:00"},
		{"jobs releases", 0, "release first seen at workers v1 20"},
		{"jobs audit", 1, "jobs.audit is empty"},
		{"jobs audit --limit 0", 2, "at least 1"},
		{"jobs workers worker.1", 2, "takes no arguments"},
		{"jobs", 2, `unknown command "jobs"|!bench`},
		{"jobs help", 0, "jobs list|jobs retry [ID ...]|!bench"},
	} {
		out, code := shell(t, databaseURL, c.line)
		out = strings.Join(strings.Fields(out), " ")
		if code != c.code {
			t.Errorf("backlist %s: exit code %d, want %d: %s", c.line, code, c.code, out)
		}
		rest := out
		for want := range strings.SplitSeq(c.want, "|") {
			if not, found := strings.CutPrefix(want, "!"); found {
				if strings.Contains(out, not) {
					t.Errorf("backlist %s shows %q: %s", c.line, not, out)
				}
				continue
			}
			_, after, found := strings.Cut(rest, want)
			if !found {
				t.Errorf("backlist %s does not show %q:\n%s", c.line, want, out)
			}
			rest = after
		}
		if strings.ContainsRune(out, 0x1b) {
			t.Errorf("backlist %s prints a control character: %q", c.line, out)
		}
	}
}

// TestJobsJSON: programs get every column, durations in seconds, numbers as numbers.
func TestJobsJSON(t *testing.T) {
	t.Parallel()
	databaseURL := shop(t)
	out, code := shell(t, databaseURL, "jobs list --state completed --json")
	var list []map[string]any
	if err := json.Unmarshal([]byte(out), &list); err != nil || code != 0 || len(list) != 1 {
		t.Fatalf("%d, %v: %s", code, err, out)
	}
	at, err := time.Parse(time.RFC3339, list[0]["finished_at"].(string))
	if list[0]["id"] != 3.0 || list[0]["run"] != 1.0 || list[0]["wait"] != 10.0 || list[0]["state"] != "completed" || err != nil || time.Since(at) < time.Minute {
		t.Errorf("%v", list[0])
	}
	if out, code := shell(t, databaseURL, "jobs list --kind none --json"); code != 1 || !strings.HasPrefix(out, "[]\n") {
		t.Errorf("an empty list is %q, exit code %d", out, code)
	}
	for _, view := range []string{"queues", "kinds", "workers", "errors", "schedules"} {
		out, code := shell(t, databaseURL, "jobs "+view+" --json")
		var list []map[string]any
		if err := json.Unmarshal([]byte(out), &list); err != nil || code != 0 || len(list) == 0 || len(list[0]) < 8 {
			t.Errorf("jobs %s: %d, %v: %s", view, code, err, out)
		}
	}
}

// TestJobsAct: each act makes its change once, and the audit records who acted and why.
func TestJobsAct(t *testing.T) {
	t.Parallel()
	databaseURL := shop(t)
	pool := openPool(t, databaseURL)
	for _, c := range []struct {
		line  string
		code  int
		want  string
		check string // SQL that is true afterwards
	}{
		{"jobs retry", 2, "usage: backlist jobs retry ID ..., or filter with", "select count(*) = 0 from jobs.audit"},
		{"jobs retry 5 --kind count", 2, "give job ids or a filter, not both", "select count(*) = 0 from jobs.audit"},
		{"jobs retry 5 --reason fixed --who anna", 0, "1 job retried.", "select state = 'available' from jobs.job where id = 5"},
		{"jobs audit", 0, "anna retry 5 fixed", "select who = 'anna' and reason = 'fixed' and application = 'backlist jobs' from jobs.audit"},
		{"jobs retry 2", 1, "Job 2 is running already.\nnothing was changed", "select count(*) = 1 from jobs.audit"},
		{"jobs retry 98", 1, "There is no job 98.\nnothing was changed", "select count(*) = 1 from jobs.audit"},
		{"jobs retry 2,6", 1, "1 job retried.\nTo undo it within ten minutes: backlist jobs undo 2 --yes\n1 of 2 jobs were left as they are", "select reason = 'backlist jobs retry 2,6' from jobs.audit order by id desc limit 1"},
		{"jobs cancel --kind count", 1, "This would cancel 4 jobs:\n         2  count, available", "select count(*) = 2 from jobs.audit"},
		{"jobs cancel --kind count --json", 1, `{"act":"cancel","would":4,"changed":0,"left":0}`, "select count(*) = 2 from jobs.audit"},
		{"jobs cancel --kind count --limit 2", 1, "--limit stops at 2 jobs", "select count(*) = 2 from jobs.audit"},
		{"jobs run-now --kind count --state scheduled --yes", 0, "1 job made due.", "select state = 'available' from jobs.job where id = 7"},
		{"jobs cancel --kind count --yes --json", 0, `{"act":"cancel","changed":4,"left":0,"undo":[4]}`, "select array_agg(id order by id) = '{4,5,6,7}' from jobs.job where state = 'cancelled'"},
		{"jobs cancel --kind count --yes", 1, "no such jobs are available or running or", "select true"},
		{"jobs delete --kind count --yes", 2, "name the --state of the jobs to delete", "select true"},
		{"jobs delete --kind count --state completed --yes", 0, "1 job deleted.", "select count(*) = 0 from jobs.job where id = 3"},
		{"jobs discard 1", 0, "1 job discarded.", "select state = 'discarded' from jobs.job where id = 1"},
		{"jobs undo 6", 1, "1 job would be restored.\nnothing was changed: add --yes to do it", "select act = 'discard' and id = 6 from jobs.audit order by id desc limit 1"},
		{"jobs undo 6 --yes", 0, "1 job restored.", "select state = 'available' from jobs.job where id = 1"},
		{"jobs undo 6 --yes", 1, "Job 1 is available and has changed since the act.\nnothing was changed", "select true"},
		{"jobs undo 98,5 --json", 1, `{"act":"undo","changed":0,"left":2,"notes":["There is no entry 98 in jobs.audit.","Entry 5 (delete) cannot be undone."]}`, "select true"},
		{"jobs undo", 2, "usage: backlist jobs undo ENTRY", "select true"},
		{"jobs snooze 1", 2, "say how long: --for 2h, or --until", "select true"},
		{"jobs snooze 1 --for soon", 2, "--for soon is not a duration", "select true"},
		{"jobs snooze 1 --until soon", 2, "invalid input syntax for type timestamp with time zone", "select true"},
		{"jobs snooze 1 --until 2001-01-01", 2, "until must be in the future", "select true"},
		{"jobs snooze 1 --for 2h", 0, "1 job snoozed. To undo it within ten minutes: backlist jobs undo 8 --yes", "select scheduled_at = a.at + interval '2 h' from jobs.job j, jobs.audit a where j.id = 1 and a.id = 8"},
		{"jobs snooze --kind count --for 2h", 1, "no such jobs are available or scheduled or retryable", "select true"},
		{"jobs copy 98", 1, "There is no job 98.", "select true"},
		{"jobs copy 4 --set [1]", 2, "The changes are a JSON object", "select true"},
		{"jobs copy 4 --set {\"a\":2}", 0, "a copy of job 4.", "select args = '{\"a\": 2}' from jobs.job order by id desc limit 1"},
		{"jobs run-now 1", 0, "1 job made due.", "select true"},
		{"jobs cancel 2", 0, "1 job cancelled.", "select cancelling from jobs.job where id = 2"},
		{"jobs pause mail --reason full", 0, "mail: paused", "select paused and paused_reason = 'full' from jobs.queue where queue = 'mail'"},
		{"jobs pause mail", 1, "nothing was changed: mail is in that state already", "select paused_reason = 'full' from jobs.queue where queue = 'mail'"},
		{"jobs pause nowhere", 1, "There is no queue 'nowhere' to pause", "select true"},
		{"jobs resume *", 0, "*: resumed", "select not bool_or(paused) from jobs.queue"},
		{"jobs drain worker.1", 0, "worker.1: draining", "select draining from jobs.worker where worker = 'worker.1-AAAA'"},
		{"jobs drain worker.1-AAAA", 1, "nothing was changed", "select true"},
		{"jobs undrain worker.1-AAAA", 0, "no longer draining", "select not draining from jobs.worker"},
		{"jobs undrain worker.9", 1, "There is no worker 'worker.9'", "select true"},
		{"jobs drain", 2, "usage: backlist jobs drain WORKER", "select true"},
		{"jobs mute f1 --for 2h", 0, "f1: muted", "select muted and muted_until between now() + interval '100 min' and now() + interval '2 h' from jobs.error"},
		{"jobs mute f1 --for soon", 2, "is not a duration", "select true"},
		{"jobs mute f1 --until 2001-01-01", 2, "until must be in the future", "select true"},
		{"jobs mute f1 --until-seen", 0, "f1: muted", "select muted and muted_until is null and muted_until_seen from jobs.error"},
		{"jobs mute f1", 0, "f1: muted", "select muted and not muted_until_seen from jobs.error"},
		{"jobs unmute f1", 0, "f1: unmuted", "select not muted from jobs.error"},
		{"jobs resolve f1", 0, "f1: resolved", "select resolved_at is not null from jobs.error"},
	} {
		out, code := shell(t, databaseURL, c.line)
		squeezed := strings.Join(strings.Fields(out), " ")
		if code != c.code || !strings.Contains(out, c.want) && !strings.Contains(squeezed, c.want) {
			t.Errorf("backlist %s: exit code %d, want %d and %q:\n%s", c.line, code, c.code, c.want, out)
		}
		if !valueOf[bool](t, pool, c.check) {
			t.Errorf("backlist %s: not true afterwards: %s", c.line, c.check)
		}
	}
	valueOf[bool](t, pool, "select changed from jobs.set_wait_target('mail', '5 s')")
	entry := valueOf[string](t, pool, "select max(id)::text from jobs.audit")
	if out, code := shell(t, databaseURL, "jobs undo "+entry+" --yes"); code != 0 || !strings.Contains(out, "1 wait target restored.") {
		t.Errorf("undoing a wait target: exit code %d:\n%s", code, out)
	}
	if who := valueOf[string](t, pool, "select who from jobs.audit order by id desc limit 1"); !strings.HasSuffix(who, "(backlist jobs)") || !strings.Contains(who, "@") {
		t.Errorf("the audit names %q", who)
	}
}

// TestJobsActOnMany: a bulk act changes all of its jobs, in several transactions.
func TestJobsActOnMany(t *testing.T) {
	t.Parallel()
	databaseURL := shop(t)
	pool := openPool(t, databaseURL)
	if _, err := pool.Exec(t.Context(), `insert into river.river_job (kind, queue, args, state, max_attempts, attempt, finalized_at)
		select 'send', 'mail', '{}', 'discarded', 5, 5, now() from generate_series(1, 2500)`); err != nil {
		t.Fatal(err)
	}
	out, code := shell(t, databaseURL, "jobs retry --kind send --state discarded --yes")
	if code != 0 || !strings.Contains(out, "2,000 of 2,500 jobs") || !strings.Contains(out, "2,500 jobs retried.") {
		t.Errorf("%d: %s", code, out)
	}
	if n := valueOf[int](t, pool, "select count(distinct xid) from jobs.audit"); n != 3 {
		t.Errorf("%d transactions, want 3", n)
	}
}

// TestJobsInterruptedAct: an act of several transactions of which a later one fails prints how to undo those before it.
func TestJobsInterruptedAct(t *testing.T) {
	t.Parallel()
	databaseURL := shop(t)
	pool := openPool(t, databaseURL)
	if _, err := pool.Exec(t.Context(), `
		insert into river.river_job (kind, queue, state, max_attempts, args) select 'many', 'default', 'available', 5, '{}' from generate_series(1, 1001);
		create function fail() returns trigger language plpgsql as $$ begin
			if (select count(*) from river.river_job where kind = 'many' and state = 'available') <= 1 then raise exception 'no more'; end if; return new; end $$;
		create trigger fail before update on river.river_job for each row execute function fail()`); err != nil {
		t.Fatal(err)
	}
	out, code := shell(t, databaseURL, "jobs discard --kind many --state available --yes")
	for _, want := range []string{"To undo it within ten minutes: backlist jobs undo 1 --yes", "1,000 of 1,001 jobs had been discarded by then"} {
		if code != 1 || !strings.Contains(out, want) {
			t.Errorf("exit code %d, no %q in:\n%s", code, want, out)
		}
	}
}

// TestJobsUnusableDatabase: each problem with the database is reported in one sentence without secrets.
func TestJobsUnusableDatabase(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for databaseURL, want := range map[string]string{
		"postgres://odo:s3cr3t-pass@127.0.0.1:1/none":                                      "the database at 127.0.0.1:1 cannot be reached: connection refused",
		"postgres://odo:s3cr3t-pass@" + silent.Addr().String() + "/none?connect_timeout=1": "the database at " + silent.Addr().String() + " cannot be reached within 1s",
		"postgres://odo:s3cr3t-pass@host.invalid/none":                                     "the database at host.invalid:5432 cannot be reached: ",
		testdb.NewEmptyURL(t): "the database has no schema jobs, or that of an older release; run: backlist migrate",
		missingDatabase(t):    "refused the connection: database \"t_",
	} {
		out, code := shell(t, databaseURL, "jobs list")
		if code != 1 || !strings.Contains(out, want) || strings.Contains(out, "s3cr3t") || strings.Count(out, "\n") > 0 {
			t.Errorf("%s: exit code %d: %q\nwant %q", databaseURL, code, out, want)
		}
	}
}

// missingDatabase returns the URL of a database that does not exist on the server.
func missingDatabase(t *testing.T) string {
	t.Helper()
	u, err := url.Parse(testdb.NewURL(t))
	if err != nil {
		t.Fatal(err)
	}
	u.Path += "_nowhere"
	return u.String()
}

// TestJobsInterrupted: Ctrl-C ends a command that waits for a lock, with one sentence and without a change.
func TestJobsInterrupted(t *testing.T) {
	t.Parallel()
	databaseURL := shop(t)
	pool := openPool(t, databaseURL)
	release := holding(t, databaseURL, "lock work.worker in access exclusive mode")
	defer release()
	p := launch(t, databaseURL, nil, "jobs", "drain", "worker.1")
	eventually(t, pool, "the command waits for the lock",
		"select count(*) = 1 from pg_stat_activity where application_name = 'backlist jobs' and wait_event_type = 'Lock' and datname = current_database()")
	p.tell(syscall.SIGINT)
	out, err := outcome(t, p)
	if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != 1 || out != "backlist: interrupted" {
		t.Errorf("%v: %q", err, out)
	}
	release()
	if n := valueOf[int](t, pool, "select count(*) from jobs.audit"); n != 0 {
		t.Errorf("%d acts in the audit", n)
	}
}

// TestJobsRights: a role that may only read cannot act, and gets a sentence about its rights.
func TestJobsRights(t *testing.T) {
	t.Parallel()
	databaseURL := shop(t)
	pool := openPool(t, databaseURL)
	looker := newRole(t, pool, "grant usage on schema jobs to $role; grant select on jobs.job to $role")
	if out, code := shell(t, asRole(databaseURL, looker), "jobs list --state discarded"); code != 0 {
		t.Errorf("list: %d: %s", code, out)
	}
	if out, code := shell(t, asRole(databaseURL, looker), "jobs retry 5"); code != 1 || !strings.Contains(out, "permission denied for") {
		t.Errorf("retry: %d: %s", code, out)
	}
}

// newRole creates a role and runs grants for it, with the role's name for $role.
func newRole(t *testing.T, pool *pgxpool.Pool, grants string) string {
	t.Helper()
	role := "role_" + strings.ToLower(rand.Text())
	if _, err := pool.Exec(t.Context(), "create role "+role+" login; "+strings.ReplaceAll(grants, "$role", role)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := pool.Exec(context.WithoutCancel(t.Context()), "drop owned by "+role+"; drop role "+role); err != nil {
			t.Error(err)
		}
	})
	return role
}

// asRole returns databaseURL with another role.
func asRole(databaseURL, role string) string {
	u, err := url.Parse(databaseURL)
	if err != nil {
		return err.Error()
	}
	q := u.Query()
	q.Set("role", role)
	u.RawQuery = q.Encode()
	return u.String()
}
