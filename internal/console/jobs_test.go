package console_test

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/backlist/backlist/internal/console"
)

// addJobs adds discarded jobs of a kind.
const addJobs = `insert into river.river_job (kind, args, max_attempts, queue, state, attempt, finalized_at, attempted_at, errors)
	select $1, jsonb_build_object('n', i), 3, 'mail', 'discarded', 3, now() - i * interval '1 s', now() - i * interval '1 s',
		array[jsonb_build_object('at', now(), 'attempt', 3, 'error', 'book ' || i || ' is missing', 'trace', '')]
	from generate_series(1, $2::int) i`

// TestJobsPage: the list shows what a search finds, in pages that neither miss nor repeat a job.
func TestJobsPage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.exec(addJobs, "send_invoice", 120)
	s.exec(addJobs, "resize_cover", 3)
	rows := regexp.MustCompile(`<tr id="job-(\d+)"`)
	seen := map[string]bool{}
	pages := 0
	for path := "/console/jobs?q=kind:send_invoice"; path != ""; pages++ {
		status, body := s.get(path)
		if status != http.StatusOK {
			t.Fatalf("%s: %d", path, status)
		}
		for _, m := range rows.FindAllStringSubmatch(body, -1) {
			if seen[m[1]] {
				t.Errorf("job %s is on two pages", m[1])
			}
			seen[m[1]] = true
		}
		path = ""
		if m := regexp.MustCompile(`href="([^"]+)" rel="next"`).FindStringSubmatch(body); m != nil {
			path = strings.ReplaceAll(m[1], "&amp;", "&")
		}
	}
	if len(seen) != 120 || pages != 3 {
		t.Errorf("%d of 120 jobs on %d pages", len(seen), pages)
	}
}

// TestBadSearches: the page says what is wrong with a search, and keeps what was typed.
func TestBadSearches(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.exec(addJobs, `<script>alert(1)</script>`, 1)
	for _, tc := range []struct {
		line string
		want int
	}{
		{"'; drop table river.river_job; --", http.StatusOK},
		{"kin:x", http.StatusUnprocessableEntity},
		{`error:"no end`, http.StatusUnprocessableEntity},
		{"state:gone", http.StatusUnprocessableEntity},
		{"since:never", http.StatusUnprocessableEntity},
		{"a\x00b", http.StatusUnprocessableEntity},
		{strings.Repeat("x", 3000), http.StatusUnprocessableEntity},
		{"args.a.b:1 tag:x has:error", http.StatusOK},
		{"id:99999999999999999999", http.StatusUnprocessableEntity},
	} {
		status, body := s.get("/console/jobs?q=" + url.QueryEscape(tc.line))
		if status != tc.want {
			t.Errorf("%.40q: %d, want %d", tc.line, status, tc.want)
		}
		if status == http.StatusUnprocessableEntity && !strings.Contains(body, `id="q-problem"`) {
			t.Errorf("%.40q: the page does not say what is wrong", tc.line)
		}
	}
	if _, body := s.get("/console/jobs?q=" + url.QueryEscape("'; drop")); !strings.Contains(body, `value="&#39;; drop"`) {
		t.Error("what was typed is lost")
	}
	if _, body := s.get("/console/jobs"); strings.Contains(body, "<script>alert") {
		t.Error("a kind is written as markup")
	}
	if status, _ := s.get("/console/jobs?q=state:discarded&after=garbage"); status != http.StatusUnprocessableEntity {
		t.Errorf("a damaged cursor: %d", status)
	}
}

// TestBulkFromPage: all that match are previewed and started; deleting asks twice; a viewer starts nothing.
func TestBulkFromPage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.exec(addJobs, "send_invoice", 7)
	hidden := regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)"`)
	form := func(body string) url.Values {
		_, rest, _ := strings.Cut(body, `action="/console/jobs/act"`)
		values := url.Values{}
		for _, m := range hidden.FindAllStringSubmatch(rest, -1) {
			values.Set(m[1], strings.NewReplacer("&amp;", "&", "&#34;", `"`).Replace(m[2]))
		}
		return values
	}
	status, body := s.get("/console/jobs/act?act=delete&all=yes&q=kind:send_invoice+state:discarded")
	if status != http.StatusOK || !strings.Contains(body, "Delete 7 jobs. There is no undo.") {
		t.Fatalf("the preview of a delete: %d\n%s", status, body)
	}
	if status, _ = s.post("/console/jobs/act", form(body)); status != http.StatusUnprocessableEntity {
		t.Errorf("a delete that is not confirmed: %d", status)
	}
	_, body = s.get("/console/jobs/act?act=retry&q=kind:send_invoice&job=1&job=2")
	if !strings.Contains(body, "<code>id:1,2") || !strings.Contains(body, "Retry 2 jobs") {
		t.Errorf("the preview of two ticked jobs:\n%s", body)
	}
	values := form(body)
	values.Set("reason", "fixed")
	s.people.set(func(p *console.Person) { p.Role = console.Viewer })
	if status, _ = s.post("/console/jobs/act", values); status != http.StatusForbidden {
		t.Errorf("a viewer starts an act: %d", status)
	}
	s.people.set(func(p *console.Person) { p.Role = console.Operator })
	if status, body = s.post("/console/jobs/act", values); status != http.StatusOK || !strings.Contains(body, `class="bulk"`) {
		t.Errorf("after the start: %d\n%s", status, body)
	}
	if got := one[string](s, "select act || ' ' || who || ' ' || reason || ' ' || expected from jobs.bulk"); got != "retry ann@example.com fixed 2" {
		t.Errorf("the bulk act is %q", got)
	}
	if status, _ = s.post("/console/jobs/bulk/cancel", url.Values{"bulk": {"1"}}); status != http.StatusOK || one[string](s, "select state from jobs.bulk") != "cancelled" {
		t.Errorf("the act was not stopped: %d", status)
	}
	if status, _ = s.post("/console/jobs/bulk/cancel", url.Values{"bulk": {"99"}}); status != http.StatusConflict {
		t.Errorf("an unknown act: %d", status)
	}
	if status, _ = s.get("/console/jobs/act?act=retry&q="); status != http.StatusUnprocessableEntity {
		t.Errorf("nothing ticked: %d", status)
	}
}

// TestExport: a list is a CSV file, in which no cell is a formula.
func TestExport(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.exec(addJobs, "=cmd()", 2)
	status, body := s.get("/console/jobs.csv?q=state:discarded&col=kind&col=last_error")
	rows, err := csv.NewReader(strings.NewReader(body)).ReadAll()
	if err != nil || status != http.StatusOK || fmt.Sprint(rows) != "[[id kind last_error] [1 '=cmd() book 1 is missing] [2 '=cmd() book 2 is missing]]" {
		t.Errorf("%d %v %q", status, err, rows)
	}
	if status, body = s.get("/console/jobs.csv"); status != http.StatusOK || !strings.HasPrefix(body, "id,state,kind,queue,attempt,max_attempts,enqueued_at,") {
		t.Errorf("the usual columns: %d %q", status, body)
	}
	if status, _ = s.get("/console/jobs.csv?q=kin:x"); status != http.StatusUnprocessableEntity {
		t.Errorf("a bad search: %d", status)
	}
}

// TestSavedSearch: a search gets a name, and its owner deletes it.
func TestSavedSearch(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	status, body := s.post("/console/jobs/views", url.Values{"name": {"Broken invoices"}, "q": {"state:discarded kind:send_invoice"}, "shared": {"yes"}, "col": {"when", "kind"}})
	if status != http.StatusOK || !strings.Contains(body, "Broken invoices</a>") {
		t.Errorf("after saving: %d\n%s", status, body)
	}
	id := one[int64](s, "select id from jobs.saved_view")
	s.people.set(func(p *console.Person) { p.Name = "bob@example.com" })
	if status, _ = s.post("/console/jobs/views/delete", url.Values{"view": {fmt.Sprint(id)}}); status == http.StatusOK {
		t.Error("another person deleted it")
	}
	s.people.set(func(p *console.Person) { p.Name = "ann@example.com" })
	if status, _ = s.post("/console/jobs/views/delete", url.Values{"view": {fmt.Sprint(id)}}); status != http.StatusOK || one[int](s, "select count(*)::int from jobs.saved_view") != 0 {
		t.Errorf("the owner could not delete it: %d", status)
	}
}

// TestListsApart: while one search is kept current for open pages, another one still shows its own jobs.
func TestListsApart(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.exec(addJobs, "send_invoice", 1)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.http.URL+"/console/events/jobs?q=state:cancelled", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := s.http.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	for lines := bufio.NewScanner(response.Body); lines.Scan() && !strings.Contains(lines.Text(), "No job matches"); {
		// until the list of the open page has been read
	}
	if _, body := s.get("/console/jobs?q=state:discarded"); !strings.Contains(body, `<tr id="job-1"`) {
		t.Error("the discarded job is missing while cancelled ones are watched")
	}
}

// TestActsOnTicked: every act that the bar offers has a preview. Of ticked jobs it says why some would be left alone, and ticked jobs
// in any state are deleted.
func TestActsOnTicked(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.exec(addJobs, "send_invoice", 2)
	s.exec(`update river.river_job set state = 'completed' where id = 2`)
	_, body := s.get("/console/jobs")
	acts := regexp.MustCompile(`<option value="([^"]+)"`).FindAllStringSubmatch(body, -1)
	if len(acts) != 6 {
		t.Errorf("the bar offers %q", acts)
	}
	for _, act := range acts {
		status, body := s.get("/console/jobs/act?job=1&job=2&act=" + act[1])
		if status != http.StatusOK || !strings.Contains(body, "2 jobs") {
			t.Errorf("%s: %d\n%s", act[1], status, body)
		}
	}
	if _, body = s.get("/console/jobs/act?job=1&job=2&act=cancel"); !strings.Contains(body, "<code>finished</code>") {
		t.Errorf("the preview does not say what is left alone:\n%s", body)
	}
	if _, body = s.get("/console/jobs?q=state:scheduled"); strings.Contains(body, `<option value="retry"`) || !strings.Contains(body, `<option value="run-now"`) {
		t.Error("the bar offers an act that does not apply")
	}
	for _, path := range []string{"act=retry&all=yes&q=", "act=delete&all=yes&q=kind:x", "act=delete&all=yes&q=kin:x", "act=drop&job=1", "act=pause&job=1", "act=retry&job=x", "act=retry"} {
		if status, _ := s.get("/console/jobs/act?" + path); status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", path, status)
		}
	}
	snooze := url.Values{"act": {"snooze"}, "search": {"id:1 state:available"}, "highest": {"2"}, "number": {"1"}}
	if status, _ := s.post("/console/jobs/act", snooze); status != http.StatusUnprocessableEntity {
		t.Errorf("a snooze without a time: %d", status)
	}
	for _, search := range []string{"", "state:discarded x:y", "state:discarded until:never"} {
		forged := url.Values{"act": {"retry"}, "search": {search}, "highest": {"2"}, "number": {"1"}}
		if status, _ := s.post("/console/jobs/act", forged); status != http.StatusUnprocessableEntity {
			t.Errorf("a forged form with %q: %d", search, status)
		}
	}
	snooze.Set("for", "1h")
	for range 2 { // two people at once: each act is judged job by job when it runs
		if status, _ := s.post("/console/jobs/act", snooze); status != http.StatusOK {
			t.Errorf("a snooze: %d", status)
		}
	}
	if got := one[int](s, "select count(*)::int from jobs.bulk where act = 'snooze' and until > now() + interval '50 min'"); got != 2 {
		t.Errorf("%d acts snooze for an hour", got)
	}
}

// TestStrangeJobs: jobs that SQL has written, with infinite times, markup and large arguments, are listed, and names stay text.
func TestStrangeJobs(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.exec(`insert into river.river_job (kind, args, max_attempts, queue, state, scheduled_at, attempted_at, finalized_at, tags, created_at) values
		('<b>"k"', jsonb_build_object('x', repeat('y', 1000000)), 3, 'q,"', 'scheduled', 'infinity', null, null, '{"<i>"}', '-infinity'),
		('k', '{}', 3, 'q', 'completed', now(), 'infinity', 'infinity', '{}', 'infinity'),
		('k', '{}', 3, 'q', 'completed', now(), '-infinity', '-infinity', '{}', now())`)
	status, body := s.get("/console/jobs?col=kind&col=queue&col=args&col=tags&col=when&col=wait&col=run&col=enqueued_at&col=scheduled_at")
	if status != http.StatusOK || strings.Count(body, `<tr id="job-`) != 3 || strings.Contains(body, "<b>") || strings.Contains(body, "<i>") || len(body) > 50_000 {
		t.Errorf("%d, %d bytes", status, len(body))
	}
	link := regexp.MustCompile(`href="(/console/jobs\?q=kind[^"]*b[^"]*)"`).FindStringSubmatch(body)
	if link == nil {
		t.Fatal("the kind is not a link")
	}
	if status, body = s.get(html.UnescapeString(link[1])); status != http.StatusOK || strings.Count(body, `<tr id="job-`) != 1 {
		t.Errorf("%s finds something else: %d", link[1], status)
	}
}

// TestManyKinds: with 10,000 kinds the page stays small, and suggestions are few.
func TestManyKinds(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.exec(`insert into work.kind (kind) select 'kind_' || i from generate_series(1, 10000) i`)
	s.exec(`insert into river.river_job (kind, args, max_attempts) select 'kind_' || i, '{}', 3 from generate_series(1, 10000) i`)
	if status, body := s.get("/console/jobs"); status != http.StatusOK || len(body) > 150_000 {
		t.Errorf("%d, %d bytes", status, len(body))
	}
	if status, body := s.get("/console/jobs/suggest?q=kind:kind_77&at=12"); status != http.StatusOK || strings.Count(body, `"Word"`) != 12 || !strings.Contains(body, `"Word":"kind_77"`) {
		t.Errorf("%d %s", status, body)
	}
	if _, body := s.get("/console/jobs/suggest?q=nothing:x&at=99"); strings.TrimSpace(body) != "[]" {
		t.Errorf("no suggestion is %q", body)
	}
}

// TestHiddenSearches: no search tells a viewer whether a hidden value is right, and none that names one is stored.
func TestHiddenSearches(t *testing.T) {
	t.Parallel()
	s := jobSite(t)
	operator := s.people.person
	s.people.set(func(p *console.Person) { p.Role = console.Viewer })
	for _, page := range []string{"/console/jobs?q=", "/console/jobs.csv?q=", "/console/jobs/act?act=retry&all=yes&q=kind:send+state:discarded+"} {
		for _, line := range []string{"args.password:secret", `args:{"password":"secret"}`, "args.deep.token:x"} {
			s.has(page+url.QueryEscape(line), http.StatusUnprocessableEntity, "looks secret: its values are hidden")
		}
	}
	for _, line := range []string{"args.pet:cat", `args:{"pet":"cat"}`, `args.pet:"[redacted]" id:7`, "id:7 args.pet:cat", "request:r1 args.pet:cat"} {
		status, body := s.get("/console/jobs?q=" + url.QueryEscape(line))
		found := strings.Contains(body, `<tr id="job-7"`)
		if status != http.StatusOK || found && !strings.Contains(line, "redacted") {
			t.Errorf("%s: %d, and finds the job: %t", line, status, found)
		}
	}
	if body := s.has("/console/jobs/1", http.StatusOK, "args.to%3A7"); strings.Contains(body, "args.password") {
		t.Error("a hidden value is a link")
	}
	s.people.set(func(p *console.Person) { *p = operator })
	for _, line := range []string{"args.password:hunter2", "kind:marked state:completed args.pet:hunter2", `args:{"pet":"hunter2"} state:completed`} {
		for path, form := range map[string]url.Values{
			"/console/jobs/views": {"name": {"mine"}, "q": {line}},
			"/console/jobs/act":   {"act": {"delete"}, "search": {line}, "highest": {"99"}, "number": {"1"}, "sure": {"yes"}},
		} {
			if status, body := s.post(path, form); status != http.StatusUnprocessableEntity {
				t.Errorf("%s %s: %d\n%s", path, line, status, body)
			}
		}
	}
	if n := one[int](s, "select count(*)::int from work.audit"); n != 0 {
		t.Errorf("%d acts were done", n)
	}
}
