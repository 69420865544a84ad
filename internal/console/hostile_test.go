package console_test

import (
	"bufio"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

// addHostile adds jobs with hostile text wherever a program can put text.
func (s *site) addHostile() {
	s.t.Helper()
	for _, sql := range []string{
		`insert into work.kind (kind, release) values ($1, $1)`,
		`insert into work.release (name) values ($1)`,
		`insert into river.river_queue (name, updated_at) values ($1, now())`,
		`insert into work.worker (id, dyno, release, slots, running, lock_key, queues, kinds) values ($1, $1, $1, 10, 1, 1, array[$1], array[$1])`,
		`insert into river.river_job (id, kind, queue, state, args, attempt, max_attempts, attempted_at, attempted_by, finalized_at, errors, metadata, tags)
			select n, $1, $1, s::river.river_job_state, jsonb_build_object($1::text, $1::text, 'list', jsonb_build_array($1::text)), 1, 5, now(), array[$1::text],
				case when s = 'discarded' then now() end, array[jsonb_build_object('error', $1::text, 'trace', $1::text, 'code', $1::text, 'worker', $1::text, 'at', now(), 'attempt', 1)],
				jsonb_build_object('request_id', $1::text, 'release', $1::text, 'held', $1::text, 'progress', jsonb_build_object('percent', 3, 'sentence', $1::text),
					'river:log', jsonb_build_array(jsonb_build_object('attempt', 1, 'log', $1::text))), array[$1::text]
			from unnest('{available,running,scheduled,retryable,discarded}'::text[]) with ordinality as x (s, n)`,
		`insert into work.attempt (job_id, attempt, kind, queue, outcome, code, worker, release, request_id, parent_id, due_at, started_at, ended_at, error, trace, fingerprint, steps)
			select n, 1, $1, $1, 'failed', $1, $1, $1, $1, 1, now(), now(), now(), $1, $1, 'f1', jsonb_build_array(jsonb_build_object('name', $1::text, 'at_ms', 1, 'ms', 1, 'queries', 1, 'sql_ms', 1))
			from generate_series(1, 5) n`,
		`insert into work.request (id, method, route, status, started_at, ended_at, release, process, jobs, steps) values
			($1, $1, $1, 303, now(), now(), $1, $1, '{1}', jsonb_build_array(jsonb_build_object('name', $1::text, 'at_ms', 1, 'ms', 1, 'queries', 1, 'sql_ms', 1)))`,
		`insert into work.error (fingerprint, message, first_seen_at, last_seen_at, first_release, last_release) values ('f1', $1, now(), now(), $1, $1)`,
		`insert into work.error_hour (fingerprint, hour, kind, release, attempts) values ('f1', date_trunc('hour', now()), $1, $1, 2)`,
		`insert into work.minute_release (minute, queue, kind, release, completed, failed, judged, late, wait, run, wait_s, run_s) values
			(date_trunc('minute', now()) - interval '5 min', $1, $1, $1, 1, 66, 60, 30, '{1}', '{1}', 1, 1)`,
		`select jobs.set_wait_target($1, '5 s', 0.99, $1)`,
		`select jobs.pause($1, $1)`,
		`select jobs.mute('f1', $1)`,
		`select jobs.start_bulk('retry', 'kind:' || to_json($1::text), 100, 1, $1)`,
		`select set_config('jobs.who', $1, false), jobs.save_view($1, 'kind:x', shared => true)`,
		`select jobs.retry(5, $1)`,
	} {
		if _, err := s.pool.Exec(s.t.Context(), sql, hostile); err != nil {
			s.t.Fatalf("%s: %v", sql, err)
		}
	}
}

// TestHostileText: text that a program has chosen stays text on every page, in every stream, in the statements and in every link, and
// brings no control character with it.
func TestHostileText(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.addHostile()
	clean := func(where, body string) {
		t.Helper()
		if strings.Contains(body, "<script>alert") || strings.Contains(body, `)</script>"'`) {
			t.Errorf("%s repeats a script as markup", where)
		}
		if i := strings.IndexFunc(body, func(r rune) bool {
			return unicode.Is(unicode.Cf, r) && r != '\u00ad' || unicode.IsControl(r) && r != '\n' && r != '\t'
		}); i >= 0 {
			t.Errorf("%s has the control character %q after %q", where, body[i:i+1], body[max(0, i-200):i])
		}
	}
	what := url.QueryEscape("kind:" + `"` + strings.NewReplacer(`"`, `\"`, "\x1b", "", "\u202e", "").Replace(hostile) + `"`)
	pages := append([]string{
		"/console/jobs?q=" + what, "/console/jobs?col=kind&col=queue&col=args&col=tags&col=why&col=worker&col=release&col=request_id&col=last_error",
		"/console/jobs/act?act=retry&all=yes&q=state:discarded,available,retryable", "/console/find?q=" + url.QueryEscape("<script>"),
	}, paths...)
	pages = append(pages, "/console/jobs/2", "/console/jobs/3", "/console/jobs/4", "/console/jobs/5")
	for _, path := range pages {
		status, body := s.get(path)
		if status != http.StatusOK {
			t.Errorf("%s: %d", path, status)
		}
		clean(path, body)
		for _, link := range statementOf.FindAllStringSubmatch(body, -1) {
			_, sql := s.get(html.UnescapeString(link[1]))
			clean(link[1], sql)
		}
	}
	event := s.firstEvent("/console/events/workers")
	if clean("a stream", event); !strings.Contains(event, "&lt;script&gt;") {
		t.Errorf("the stream does not have the worker: %s", event)
	}
	if _, body := s.get("/console/queues"); !strings.Contains(html.UnescapeString(body), `name="queue" value="`+hostile+`"`) {
		t.Error("a form does not send the queue's own name")
	}
	_, rows, _ := s.asked("/console/queues?sql=queues.list&q=" + url.QueryEscape(hostile))
	if rows != 1 {
		t.Errorf("the statement as shown finds %d queues of this name", rows)
	}
}

// firstEvent returns the first event of a stream.
func (s *site) firstEvent(path string) (event string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.http.URL+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	response, err := s.http.Client().Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	for lines := bufio.NewScanner(response.Body); lines.Scan() && lines.Text() != ""; {
		event += lines.Text() + "\n"
	}
	return event
}

// asked runs the statement that a page shows.
func (s *site) asked(path string) (sql string, rows int64, body string) {
	s.t.Helper()
	_, body = s.get(path)
	_, rest, _ := strings.Cut(body, `id="sql-text" tabindex="0">`)
	sql, _, _ = strings.Cut(rest, "</pre>")
	sql = html.UnescapeString(sql)
	tag, err := s.pool.Exec(s.t.Context(), sql)
	if err != nil {
		s.t.Errorf("%s: the statement does not run: %v\n%s", path, err, sql)
	}
	return sql, tag.RowsAffected(), body
}

// statementOf is the link to the statement of a panel.
var statementOf = regexp.MustCompile(`class="panel-sql" href="([^"]+)"`)

// TestUnknown: pages and acts of things that do not exist, under any name, say so, and nothing fails.
func TestUnknown(t *testing.T) {
	t.Parallel()
	s := jobSite(t)
	const big = "9223372036854775808"
	ids := []string{"0", "-1", "99", "9223372036854775807", big, "text", "1.5", "1e3", "0x1", "%00", "%ff", "%0a1", "1%00", "%E2%80%AE", "'", "%27%20or%201=1", ".."}
	for _, id := range ids {
		for _, path := range []string{"/console/jobs/" + id, "/console/jobs/" + id + "/copy", "/console/errors/" + id} {
			if status, body := s.get(path); status != http.StatusNotFound && !(id == ".." && status < 400) {
				t.Errorf("%s: %d\n%.300s", path, status, body)
			}
			if id == ".." || strings.HasPrefix(path, "/console/errors/") {
				continue
			}
			if status, _ := s.get(path + "?sql=job.now"); status >= 500 {
				t.Errorf("%s?sql: %d", path, status)
			}
			stream := "/console/events" + strings.TrimPrefix(path, "/console")
			if id == "99" || id == "9223372036854775807" || strings.HasSuffix(path, "/copy") {
				continue // of a job that may come to exist there is a stream, and of a form none
			}
			if status, _ := s.get(stream); status != http.StatusNotFound {
				t.Errorf("%s: %d", stream, status)
			}
		}
	}
	for _, id := range []string{"", "0", "-1", "99", "9223372036854775807", big, "text", "\x00", "\xff", "1\u202e", "'"} {
		for _, path := range s.routes(http.MethodPost) {
			form := url.Values{"act": {"retry"}, "share": {"99"}, "within": {"5 s"}, "search": {"id:" + id}, "highest": {id}, "number": {id}, "sure": {"yes"}, "q": {"id:" + id}}
			for _, field := range []string{"worker", "queue", "entry", "bulk", "view", "name"} {
				form.Set(field, id)
			}
			if strings.Contains(path, "/1/") {
				path = strings.ReplaceAll(path, "/1/", "/"+url.PathEscape(id)+"/")
			}
			path = strings.ReplaceAll(path, "/f1/", "/"+url.PathEscape(id)+"/")
			if status, body := s.post(path, form); status >= 500 || status < 400 && path != "/console/jobs/act" && path != "/console/jobs/views" {
				t.Errorf("%s of %q: %d\n%.600s", path, id, status, body)
			}
		}
	}
	for _, path := range []string{
		"/console/jobs?col=no&col=id;drop&after=%ff&q=x", "/console/jobs?id=x&page=-1", "/console/errors?page=-1&show=%00", "/console/errors?page=" + big, "/console?past=%00",
		"/console?sql=no.panel", "/console/queues?q=%ff&target=%00", "/console/queues?q=" + strings.Repeat("x", 10_000), "/console/find?q=" + strings.Repeat("%E2%82%AC", 1000),
		"/console/jobs/suggest?q=kind:%C3%A9&at=6", "/console/jobs/suggest?q=kind:%ff&at=6", "/console/jobs/suggest?q=kind:x&at=" + big, "/console/jobs/suggest?q=kind:x&at=-1",
		"/console?entry=0.-1." + big + ".x", "/console?entry=%00", "/console/events/none", "/console/jobs.csv?q=id:" + big, "/console/jobs/act?act=retry&id=" + big, "/console/jobs/act?act=%00&id=1",
	} {
		if status, body := s.get(path); status >= 500 || strings.Contains(body, "panel-age") {
			t.Errorf("%.100s: %d, or a panel failed", path, status)
		}
	}
}
