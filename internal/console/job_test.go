package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/backlist/backlist/internal/console"
)

// fewJobs are jobs in several states, with a request, a parent and its child, an error, and a kind with a schema. Job 11 is
// hostile, job 12 has arguments of a megabyte, and job 13 was deleted and left an attempt.
const fewJobs = `
select setval('river.river_job_id_seq', 1000);
insert into work.kind (kind, release, secrets, opts, args_schema) values
	('send', 'v7', '{}', '{}', '{"type": "object", "properties": {"to": {"type": "integer"}, "password": {"type": "integer"}, "deep": {"type": "object"}}, "required": ["to"], "additionalProperties": {"not": {}}}'),
	('marked', 'v7', '{pet}', '{}', null), ('big', 'v7', '{}', '{}', null);
insert into river.river_job (id, kind, queue, state, args, attempt, max_attempts, created_at, scheduled_at, attempted_at, attempted_by, finalized_at, errors, metadata, tags) values
	(1, 'send', 'mail', 'discarded', '{"to": 7, "password": "secret", "deep": {"n": 1}}', 2, 2, now() - interval '10 min', now() - interval '5 min', now() - interval '2 min', '{w1}', now() - interval '1 min',
	 array['{"at": "2026-01-02T15:04:05Z", "attempt": 1, "error": "no", "trace": "first stack"}', '{"at": "2026-01-02T15:05:05Z", "attempt": 2, "error": "no", "trace": "second stack"}']::jsonb[],
	 '{"request_id": "r1", "river:log": [{"attempt": 2, "log": "a line of the log"}]}', '{red}'),
	(2, 'send', 'mail', 'running', '{"to": 8}', 1, 5, now(), now(), now(), '{w1}', null, null, '{"request_id": "r1", "parent_id": 1, "progress": {"percent": 40, "sentence": "on its way"}}', '{}'),
	(3, 'send', 'mail', 'available', '{"to": 9}', 0, 5, now() - interval '1 h', now() - interval '1 h', null, null, null, null, '{}', '{}'),
	(4, 'send', 'mail', 'scheduled', '{"to": 10}', 0, 5, now(), now() + interval '1 h', null, null, null, null, '{}', '{}'),
	(5, 'send', 'mail', 'retryable', '{"to": 7}', 1, 5, now() - interval '1 h', now() + interval '1 h', now(), '{w1}', null, array['{"at": "2026-01-02T15:04:05Z", "attempt": 1, "error": "no"}']::jsonb[], '{}', '{}'),
	(6, 'send', 'mail', 'completed', '{"to": 7}', 1, 5, now() - interval '1 h', now() - interval '1 h', now() - interval '59 min', '{w1}', now() - interval '58 min', null, '{}', '{}'),
	(7, 'marked', 'mail', 'completed', '{"pet": "cat", "age": 3}', 1, 5, now(), now(), now(), '{w1}', now(), null, '{}', '{}'),
	(11, '<script>alert(1)</script>', 'mail', 'discarded', '{"<b>k\u202e</b>": "<script>alert(2)</script>\u001b[31m", "list": [{"a": []}, null, 1e3]}', 1, 1, now(), 'infinity', now(), '{"<i>w</i>"}', now(),
	 array['{"at": "never", "attempt": "x", "error": "<script>alert(3)</script>\u202e"}', 'null', '3']::jsonb[], '{"river:log": "no list", "request_id": "<u>r</u>"}', '{}'),
	(12, 'big', 'mail', 'completed', jsonb_build_object('text', repeat('<x>', 350000)), 1, 5, now(), now(), now(), '{w1}', now(), null, '{}', '{}');
insert into work.request (id, method, route, status, started_at, ended_at, release, process, jobs, steps) values
	('r1', 'POST', '/ratings', 303, now() - interval '10 min', now() - interval '10 min' + interval '20 ms', 'v7', 'web.1', '{1}', '[{"name": "write", "at_ms": 1, "ms": 2, "queries": 3, "sql_ms": 1}]');
insert into work.attempt (job_id, attempt, kind, queue, outcome, worker, release, request_id, parent_id, due_at, started_at, ended_at, error, trace, fingerprint, steps) values
	(1, 1, 'send', 'mail', 'failed', 'w1', 'v6', 'r1', null, now() - interval '10 min', now() - interval '9 min', now() - interval '8 min', 'no', null, 'f1', null),
	(1, 2, 'send', 'mail', 'discarded', 'w1', 'v7', 'r1', null, now() - interval '5 min', now() - interval '2 min', now() - interval '1 min', 'no', 'a stack', 'f1', '[{"name": "step one", "at_ms": 1, "ms": 2.5, "queries": 3, "sql_ms": 1.9}]'),
	(5, 1, 'send', 'mail', 'failed', 'w1', 'v7', null, null, now(), now(), now(), 'no', null, 'f1', null),
	(6, 1, 'send', 'mail', 'completed', 'w1', 'v7', null, 1, now() - interval '1 h', now() - interval '59 min', now() - interval '58 min', null, null, null, null),
	(11, 1, '<script>alert(1)</script>', 'mail', 'discarded', '<i>w</i>', 'v7', null, null, now(), now(), now(), '<script>alert(3)</script>', '<script>alert(4)</script>', 'f2', '{"no": "list"}'),
	(13, 1, 'gone', 'mail', 'completed', 'w1', 'v7', null, null, now(), now(), now(), null, null, null, null);
insert into work.error (fingerprint, message, first_seen_at, last_seen_at, first_release, last_release, resolved_at) values
	('f1', 'no', now() - interval '1 h', now(), 'v6', 'v7', null),
	('f2', E'<script>alert(3)</script>\u202e', now() - interval '3 h', now() - interval '2 h', 'v6', 'v7', now() - interval '150 min'),
	('f3', 'was fixed', now() - interval '3 h', now() - interval '2 h', 'v6', 'v7', now());
insert into work.error_hour (fingerprint, hour, kind, release, attempts) values
	('f1', date_trunc('hour', now()), 'send', 'v7', 2), ('f1', date_trunc('hour', now()) - interval '1 h', 'send', 'v6', 1), ('f2', date_trunc('hour', now()), '<script>alert(1)</script>', 'v7', 1);
`

func jobSite(t *testing.T) *site {
	t.Helper()
	s := newSite(t)
	s.exec(fewJobs)
	s.exec(addWorker, "w1")
	return s
}

// has fails the test unless the page is answered with the status and has the texts.
func (s *site) has(path string, status int, texts ...string) string {
	s.t.Helper()
	got, body := s.get(path)
	if got != status {
		s.t.Errorf("%s: %d, want %d", path, got, status)
	}
	for _, text := range texts {
		if !strings.Contains(body, text) {
			s.t.Errorf("%s lacks %q", path, text)
		}
	}
	return body
}

// TestJobPages: what the pages of jobs say, in each state and with hostile values.
func TestJobPages(t *testing.T) {
	t.Parallel()
	s := jobSite(t)
	for path, texts := range map[string][]string{
		"/console/jobs/1": {
			"backed off", "waited", "ran", "a line of the log", "a stack", "first stack", "step one", "[redacted]", "select * from jobs.enqueue(&#39;send&#39;",
			"Secrets stay [redacted]", "this job", "POST /ratings", "child", "It failed for good", `value="retry"`, "It is discarded already", "args.to%3A7", "tag%3Ared",
			"(this job)",
		},
		"/console/jobs/2":  {"on its way", "It runs on worker", "parent", "It is running already"},
		"/console/jobs/3":  {"Why isn’t it running?", "Place in line", "It is available already"},
		"/console/jobs/4":  {"It is scheduled for later", `value="run-now"`},
		"/console/jobs/5":  {"its next attempt is due", "The error and its jobs"},
		"/console/jobs/6":  {"It was completed", "parent"},
		"/console/jobs/12": {"These arguments have 1.0 MiB", "select args from jobs.job where id = 12"},
		"/console/jobs/13": {"This job no longer exists.", "gone", "there is nothing to act on"},
	} {
		if body := s.has(path, http.StatusOK, texts...); strings.Contains(body, "Could not be read") || len(body) > 100_000 {
			t.Errorf("%s: a panel failed, or the page is too long: %d bytes", path, len(body))
		}
	}
	for _, path := range []string{"/console/jobs/11", "/console/jobs/11/copy", "/console/errors", "/console/errors?show=all", "/console/errors/f2"} {
		body := s.has(path, http.StatusOK)
		if strings.Contains(body, "<script>alert") || strings.ContainsAny(body, "\u202e\x1b") || strings.Contains(body, "Could not be read") || strings.Contains(body, "<b>k") {
			t.Errorf("%s repeats hostile text, or a panel failed", path)
		}
	}
	for _, path := range []string{"/console/jobs/99", "/console/jobs/no", "/console/jobs/99999999999999999999", "/console/jobs/99/copy", "/console/errors/none"} {
		s.has(path, http.StatusNotFound)
	}
}

// TestJobActs: each act's main path, and refusals.
func TestJobActs(t *testing.T) {
	t.Parallel()
	s := jobSite(t)
	for _, c := range []struct {
		path, form string
		status     int
		says, now  string
	}{
		{"4/act", "act=run-now&reason=because", http.StatusOK, "run now: job 4", "select state = 'available' from jobs.job where id = 4"},
		{"4/act", "act=run-now", http.StatusConflict, "Job 4 is available already", "select true"},
		{"4/act", "act=snooze&for=2h", http.StatusOK, "snooze: job 4", "select scheduled_at > now() + interval '1 h' from jobs.job where id = 4"},
		{"4/act", "act=snooze&until=2999-01-02T03:04&for=1h", http.StatusOK, "snooze: job 4", "select scheduled_at = '2999-01-02 03:04Z' from jobs.job where id = 4"},
		{"4/act", "act=snooze&until=tomorrow", http.StatusUnprocessableEntity, "A time is written as", "select true"},
		{"4/act", "act=snooze&for=-1h", http.StatusUnprocessableEntity, "A duration is written as", "select true"},
		{"4/act", "act=snooze", http.StatusUnprocessableEntity, "Say how long", "select true"},
		{"4/act", "act=snooze&until=2001-01-02T03:04", http.StatusUnprocessableEntity, "must be in the future", "select true"},
		{"4/act", "act=discard", http.StatusOK, "discard: job 4", "select state = 'discarded' from jobs.job where id = 4"},
		{"4/act", "act=discard", http.StatusConflict, "already discarded", "select true"},
		{"4/act", "act=retry", http.StatusOK, "retry: job 4", "select state = 'available' from jobs.job where id = 4"},
		{"4/act", "act=cancel", http.StatusOK, "cancel: job 4", "select state = 'cancelled' from jobs.job where id = 4"},
		{"2/act", "act=cancel", http.StatusOK, "told to stop", "select cancelling from jobs.job where id = 2"},
		{"2/act", "act=retry", http.StatusConflict, "Job 2 is running already", "select true"},
		{"4/act", "act=delete", http.StatusUnprocessableEntity, "Deleting asks twice", "select count(*) = 1 from jobs.job where id = 4"},
		{"4/act", "act=pause", http.StatusUnprocessableEntity, "no such act", "select true"},
		{"99/act", "act=retry", http.StatusConflict, "There is no job 99", "select true"},
		{"2/delete", "", http.StatusConflict, "cancel it first", "select true"},
		{"4/delete", "reason=old", http.StatusOK, "by ann@example.com", "select count(*) = 0 from jobs.job where id = 4"},
	} {
		id, _, _ := strings.Cut(c.path, "/")
		form, err := url.ParseQuery(c.form)
		if err != nil {
			t.Fatal(err)
		}
		form.Set("back", "/console/jobs/"+id)
		status, body := s.post("/console/jobs/"+c.path, form)
		if status != c.status || !strings.Contains(body, c.says) {
			t.Errorf("%s %s: %d, or lacks %q", c.path, c.form, status, c.says)
		}
		if !one[bool](s, c.now) {
			t.Errorf("%s %s: not true afterwards: %s", c.path, c.form, c.now)
		}
	}
	if reason := one[string](s, "select reason from jobs.audit where act = 'run_now' and who = 'ann@example.com'"); reason != "because" {
		t.Errorf("the audit has the reason %q", reason)
	}
	s.people.set(func(p *console.Person) { p.Role = console.Viewer })
	for path, form := range map[string]url.Values{"jobs/1/act": {"act": {"retry"}}, "jobs/1/delete": {}, "jobs/1/copy": {"args": {"{}"}}, "errors/f1/act": {"act": {"resolve"}}} {
		if status, _ := s.post("/console/"+path, form); status != http.StatusForbidden {
			t.Errorf("a viewer's %s: %d", path, status)
		}
	}
	if body := s.has("/console/jobs/1", http.StatusOK, "may look, not act"); strings.Contains(body, `value="retry"`) {
		t.Error("a viewer is offered an act")
	}
}

// TestCopy: a copy keeps secrets, is checked against the schema, and a refused form keeps what was typed.
func TestCopy(t *testing.T) {
	t.Parallel()
	s := jobSite(t)
	if body := s.has("/console/jobs/1/copy", http.StatusOK, `&#34;to&#34;: 7`, "the copy keeps them"); strings.Contains(body, "redacted") || strings.Contains(body, "secret\"") {
		t.Error("the form shows a hidden value")
	}
	for args, says := range map[string]string{
		`{"to": 8`:                    "This is not valid JSON",
		"{\n\"to\": 8,\n}":            "line 3 has a mistake",
		`{"to": 8} {}`:                "something after its end",
		`[8]`:                         "Arguments are a JSON object",
		`{"to": "<eight>"}`:           "must be a whole number, not text",
		`{"deep": {}}`:                "is missing",
		`{"to": 8, "tow": 9}`:         "is not an argument of this kind",
		`{"to": 8, "deep": "\u0000"}`: "deep",
	} {
		status, body := s.post("/console/jobs/1/copy", url.Values{"args": {args}, "reason": {"a typed reason"}})
		typed := strings.NewReplacer("\"", "&#34;", "<", "&lt;", ">", "&gt;").Replace(args)
		if status != http.StatusUnprocessableEntity || !strings.Contains(body, says) || !strings.Contains(body, typed) || !strings.Contains(body, "a typed reason") {
			t.Errorf("%s: %d, or lacks %q or what was typed", args, status, says)
		}
	}
	if n := one[int](s, "select count(*)::int from jobs.audit"); n != 0 {
		t.Errorf("%d acts were done", n)
	}
	status, _ := s.post("/console/jobs/1/copy", url.Values{"args": {`{"to": 8, "deep": {}}`}, "reason": {"wrong"}})
	if got := one[string](s, "select args::text from river.river_job order by id desc limit 1"); status != http.StatusOK || got != `{"to": 8, "deep": {}, "password": "secret"}` {
		t.Errorf("%d, and the copy has %s", status, got)
	}
	// A megabyte is copied without a form for it; of a kind that marks secrets, only the whole.
	s.has("/console/jobs/12/copy", http.StatusOK, "too long for a form")
	if status, _ := s.post("/console/jobs/12/copy", url.Values{}); status != http.StatusOK {
		t.Errorf("the copy of a megabyte: %d", status)
	}
	s.has("/console/jobs/7/copy", http.StatusOK, "only without changes")
	if status, body := s.post("/console/jobs/7/copy", url.Values{"args": {`{"age": 4}`}}); status != http.StatusUnprocessableEntity || !strings.Contains(body, "marks keys as secret") {
		t.Errorf("changes where a kind marks secrets: %d", status)
	}
	if status, _ := s.post("/console/jobs/99/copy", url.Values{}); status != http.StatusConflict {
		t.Errorf("the copy of no job: %d", status)
	}
}

// TestDeletedWhileOpen: an open page of a job that is deleted says so.
func TestDeletedWhileOpen(t *testing.T) {
	t.Parallel()
	s := jobSite(t)
	await := s.open("/console/events/jobs/3")
	s.exec("select jobs.delete(3, 'not needed')")
	if !await("<strong>Deleted</strong>") {
		t.Error("the page does not say that the job was deleted")
	}
	await = s.open("/console/events/jobs/4")
	s.exec("delete from river.river_job where id = 4")
	if !await("This job no longer exists.") {
		t.Error("the page does not say that the job is gone")
	}
}

// TestErrorActs: the acts of the inbox and of an error's page.
func TestErrorActs(t *testing.T) {
	t.Parallel()
	s := jobSite(t)
	s.has("/console/errors", http.StatusOK, "regressed", "state%3Adiscarded+kind%3Asend+since%3A1h", "3 attempts in 24 hours")
	s.has("/console/errors?show=resolved", http.StatusOK, "was fixed")
	s.has("/console/errors/f1", http.StatusOK, "all 2 have", "a stack", "error%3Af1+state%3Adiscarded%2Cretryable", "v6")
	for _, c := range []struct{ form, says, now string }{
		{"act=mute&for=seen&reason=known", "mute: error f1", "select muted and muted_until_seen and muted_reason = 'known' from jobs.error where fingerprint = 'f1'"},
		{"act=mute&for=seen", "is muted already", "select true"},
		{"act=mute&for=1h", "mute: error f1", "select muted_until between now() + interval '50 min' and now() + interval '1 h' from jobs.error where fingerprint = 'f1'"},
		{"act=mute&until=2001-01-02T03:04", "must be in the future", "select true"},
		{"act=unmute", "unmute: error f1", "select not muted from jobs.error where fingerprint = 'f1'"},
		{"act=resolve", "resolve: error f1", "select not regressed and resolved_by = 'ann@example.com' from jobs.error where fingerprint = 'f1'"},
		{"act=resolve", "is resolved already", "select true"},
		{"act=retry", "no such act", "select true"},
	} {
		form, err := url.ParseQuery(c.form)
		if err != nil {
			t.Fatal(err)
		}
		form.Set("back", "/console/errors/f1")
		if _, body := s.post("/console/errors/f1/act", form); !strings.Contains(body, c.says) || !one[bool](s, c.now) {
			t.Errorf("%s: lacks %q, or not true afterwards: %s", c.form, c.says, c.now)
		}
	}
	if status, _ := s.post("/console/errors/none/act", url.Values{"act": {"mute"}}); status != http.StatusConflict {
		t.Errorf("an unknown error: %d", status)
	}
}
