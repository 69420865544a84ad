package console_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// hostile is a name with a script, quotes and control characters.
const hostile = "<script>alert(1)</script>\"'\x1b[31m\u202e"

// TestQueues: an operator pauses a queue with a reason, resumes it, and sets and removes a wait target. A name cannot become markup.
func TestQueues(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	if _, body := s.get("/console/queues"); !strings.Contains(body, "No queue yet") || !strings.Contains(body, "No queue has a wait target") {
		t.Error("the empty page does not say so")
	}
	s.exec("insert into river.river_queue (name, updated_at) values ($1, now()), ('mail', now())", hostile)
	s.exec("insert into river.river_job (kind, queue, state, args, max_attempts) values ($1, $1, 'available', '{}', 5)", hostile)
	back := "/console/queues"
	form := url.Values{"queue": {hostile}, "reason": {"too <b>many</b>"}, "back": {back}}
	status, body := s.post("/console/queues/pause", form)
	if status != http.StatusOK || !strings.Contains(body, html.EscapeString("too <b>many</b>")) || strings.Contains(body, "<script>alert") {
		t.Errorf("after pausing, the page is %d:\n%s", status, body)
	}
	if who := one[string](s, "select paused_by from jobs.queue where paused"); who != "ann@example.com" {
		t.Errorf("paused by %q", who)
	}
	if status, _ := s.post("/console/queues/pause", form); status != http.StatusConflict {
		t.Errorf("pausing again: %d", status)
	}
	if status, _ := s.post("/console/queues/resume", form); status != http.StatusOK || one[bool](s, "select bool_or(paused) from jobs.queue") {
		t.Errorf("resuming: %d", status)
	}
	target := url.Values{"queue": {"mail"}, "share": {"99 %"}, "within": {"5 s"}, "back": {back}}
	if status, body := s.post("/console/queues/target", target); status != http.StatusOK || !strings.Contains(body, "99 % start within 5 s") {
		t.Errorf("setting a target: %d", status)
	}
	for name, value := range map[string]string{"share": "many", "within": "'; drop table work.audit", "queue": "no such queue"} {
		wrong := url.Values{"queue": {"mail"}, "share": {"99"}, "within": {"6 s"}, "back": {back}}
		wrong.Set(name, value)
		if status, _ := s.post("/console/queues/target", wrong); status != http.StatusUnprocessableEntity && status != http.StatusConflict {
			t.Errorf("%s %q: %d", name, value, status)
		}
	}
	undo := regexp.MustCompile(`action="/console/undo"(?:.|\n)*?name="entry" value="(\d+)"`)
	status, body = s.post("/console/queues/target", url.Values{"queue": {"mail"}, "share": {"95"}, "within": {"7 s"}, "back": {back}})
	entry := undo.FindStringSubmatch(body)
	if status != http.StatusOK || entry == nil {
		t.Fatalf("the notice of a target offers no undo: %d\n%s", status, body)
	}
	if status, body := s.post("/console/undo", url.Values{"entry": {entry[1]}, "back": {back}}); status != http.StatusOK || !strings.Contains(body, "undo: queue mail") || !strings.Contains(body, "99 % start within 5 s") {
		t.Errorf("undoing a target: %d\n%s", status, body)
	}
	if status, body := s.post("/console/undo", url.Values{"entry": {entry[1]}, "back": {back}}); status != http.StatusConflict || !strings.Contains(body, "has changed since the act") {
		t.Errorf("undoing it again: %d\n%s", status, body)
	}
	if status, _ := s.post("/console/queues/clear-target", target); status != http.StatusOK || one[int](s, "select count(*) from jobs.wait_target") != 0 {
		t.Errorf("removing the target: %d", status)
	}
	if acts := one[string](s, "select string_agg(act, ' ' order by id) from jobs.audit"); acts != "pause resume set_wait_target set_wait_target undo clear_wait_target" {
		t.Errorf("the audit has %s", acts)
	}
	if _, body := s.get("/console/queues?q=nothing+called+that"); !strings.Contains(body, "No queue has this in its name") {
		t.Error("a filter without a match does not say so")
	}
}

// TestChartOf: the charts are of one kind or queue if the address names it, and counts of jobs that are not kept lead there.
func TestChartOf(t *testing.T) {
	t.Parallel()
	s := jobSite(t)
	s.exec(`insert into work.minute_release (minute, queue, kind, release, completed, failed, wait, run, wait_s, run_s) values
		(date_trunc('minute', now()) - interval '9 min', 'mail', 'send', 'v7', 60, 0, '{1}', '{1}', 1, 1),
		(date_trunc('minute', now()) - interval '9 min', 'slow', 'report', 'v7', 7, 0, '{1}', '{1}', 1, 1)`)
	for query, most := range map[string]string{"": "67", "?kind=send": "60", "?queue=slow": "7", "?queue=slow&kind=send": "0", "?kind=%00": "67", "?kind=" + url.QueryEscape(hostile): "0"} {
		body := s.has("/console"+query, http.StatusOK, "at most "+most+" /min")
		if strings.Contains(body, "chart-backlog") == strings.Contains(query, "kind=") || strings.Contains(body, "<script>alert") {
			t.Errorf("%q: the backlog is not counted by kind, or a name became markup", query)
		}
	}
	for _, path := range []string{"/console/errors/f1", "/console/jobs?q=kind:send+state:cancelled"} {
		s.has(path, http.StatusOK, "/console?kind=send&amp;past=30d#overview.series")
	}
}

// TestVerdict: the first page says that all is well, or what is not, with a link to where it is shown.
func TestVerdict(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.exec(addWorker, "worker.1")
	s.exec("update work.worker set seen_at = now() + interval '1 hour'")
	s.exec("insert into river.river_leader (leader_id, elected_at, expires_at) values ('worker.1', now(), now() + interval '1 hour')")
	if _, body := s.get("/console"); !strings.Contains(body, "All is well.") {
		t.Errorf("the page is:\n%s", body)
	}
	s.exec("insert into work.release (name, first_seen_at) values ('v40', now() - interval '3 days'), ('v41', now() - interval '20 min')")
	s.exec(`insert into work.minute_release (minute, queue, kind, release, completed, failed, wait, run, wait_s, run_s) values
		(date_trunc('minute', now()) - interval '30 min', 'mail', $1, 'v40', 100, 1, '{1}', '{1}', 1, 1),
		(date_trunc('minute', now()) - interval '5 min', 'mail', $1, 'v41', 66, 34, '{1}', '{1}', 1, 1)`, hostile)
	_, body := s.get("/console")
	if !strings.Contains(body, "has failed 34 % of its attempts since release v41; before, it failed 1 %.") {
		t.Errorf("the page is:\n%s", body)
	}
	if !strings.Contains(body, "state%3Aretryable%2Cdiscarded") || strings.Contains(body, "<script>alert") {
		t.Error("the sentence does not lead to the failed jobs, or the kind's name became markup")
	}
	s.exec("update work.worker set stopped_at = now()")
	s.exec("insert into river.river_job (kind, queue, state, args, max_attempts) values ('send', 'mail', 'available', '{}', 5)")
	if code := one[string](s, "select code from jobs.finding order by rank limit 1"); code != "no_worker" {
		t.Errorf("the first finding is %s", code)
	}
}
