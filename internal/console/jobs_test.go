package console_test

import (
	"encoding/csv"
	"fmt"
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

// TestBadSearches: whatever is typed, the page says what is wrong and keeps it.
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
	_, body = s.get("/console/jobs/act?act=retry&q=kind:send_invoice&id=1&id=2")
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
	if err != nil || status != http.StatusOK || fmt.Sprint(rows) != "[[kind last_error] ['=cmd() book 1 is missing] ['=cmd() book 2 is missing]]" {
		t.Errorf("%d %v %q", status, err, rows)
	}
}

// TestSavedSearch: a search gets a name, and its owner deletes it.
func TestSavedSearch(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	status, body := s.post("/console/jobs/views", url.Values{"name": {"Broken invoices"}, "q": {"state:discarded kind:send_invoice"}, "shared": {"yes"}})
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
