package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestScale: a target and a mode are set on the page, which shows what is decided and what is wrong.
func TestScale(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	const back = "/console/scale"
	if _, body := s.get(back); !strings.Contains(body, "No process type is planned") {
		t.Errorf("the empty page:\n%s", body)
	}
	s.exec(addWorker, "worker.1")
	target := url.Values{"process_type": {"worker"}, "max_wait": {"30 s"}, "min": {"1"}, "max": {"4"}, "back": {back}, "reason": {"a test"}}
	if status, body := s.post("/console/scale/target", target); status != http.StatusOK || !strings.Contains(body, "1 to 4 workers") || !strings.Contains(body, "set scale") {
		t.Errorf("setting a target: %d\n%s", status, body)
	}
	if status, _ := s.post("/console/scale/target", target); status != http.StatusConflict {
		t.Errorf("the same again: %d", status)
	}
	for name, value := range map[string]string{"process_type": "mailer", "max_wait": "-1 s", "min": "9", "max": "many"} {
		wrong := url.Values{"process_type": {"worker"}, "max_wait": {"30 s"}, "min": {"1"}, "max": {"4"}, "back": {back}}
		wrong.Set(name, value)
		if status, _ := s.post("/console/scale/target", wrong); status != http.StatusUnprocessableEntity && status != http.StatusConflict {
			t.Errorf("%s %q: %d", name, value, status)
		}
	}
	mode := url.Values{"process_type": {"worker"}, "mode": {"on"}, "back": {back}}
	if status, body := s.post("/console/scale/mode", mode); status != http.StatusOK || !strings.Contains(body, "No web process decides about it") {
		t.Errorf("turning it on: %d\n%s", status, body)
	}
	if acts := one[string](s, "select string_agg(act || ' ' || who, ', ' order by id) from jobs.audit"); acts != "set_scale ann@example.com, set_scale_mode ann@example.com" {
		t.Errorf("the audit has %s", acts)
	}
	s.exec(`insert into work.scale_decision (at, process_type, mode, code, sentence, present, want, demand, quantity, inputs, state, answer)
		values (now(), 'worker', 'on', 'added_for_backlog', '1 -> 4: <b>400</b> jobs are ready.', 1, 4, 13, 4, '{}', '{}', 'timeout')`)
	if _, body := s.get(back); !strings.Contains(body, "1 -&gt; 4: &lt;b&gt;400&lt;/b&gt; jobs are ready.") || !strings.Contains(body, "It failed: timeout.") {
		t.Errorf("a decision:\n%s", body)
	}
}
