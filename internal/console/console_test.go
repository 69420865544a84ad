package console_test

import (
	"html"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/console"
	"github.com/backlist/backlist/internal/relay"
	"github.com/backlist/backlist/internal/testdb"
)

// addWorker adds a worker that is alive.
const addWorker = `insert into work.worker (id, dyno, release, slots, running, lock_key, queues, kinds) values ($1, $1, 'v7', 10, 0, 1, '{}', '{}')`

// paths are the addresses of all pages, so that every panel is asked.
var paths = []string{
	"/console", "/console?past=30d", "/console?kind=x&queue=mail", "/console/queues", "/console/queues?q=ma&target=mail",
	"/console/jobs", "/console/jobs?q=state:discarded+kind:x+args.a:1+since:2h", "/console/jobs/1", "/console/jobs/1/copy",
	"/console/errors", "/console/errors/f1", "/console/workers", "/console/scale",
}

// TestPages: every page answers, and so does the statement of each of its panels, which runs in psql as the page shows it.
func TestPages(t *testing.T) {
	t.Parallel()
	s := jobSite(t)
	for _, path := range paths {
		status, body := s.get(path)
		if status != http.StatusOK {
			t.Errorf("%s: %d", path, status)
		}
		if strings.Contains(body, "panel-age") || strings.Contains(body, "@Time(") {
			t.Errorf("%s: a panel failed, or a component is written as text:\n%s", path, body)
		}
		panels := statementOf.FindAllStringSubmatch(body, -1)
		if len(panels) == 0 {
			t.Errorf("%s has no panel", path)
		}
		for _, match := range panels {
			status, body := s.get(html.UnescapeString(match[1]))
			if status != http.StatusOK {
				t.Errorf("%s: %d", match[1], status)
				continue
			}
			_, rest, _ := strings.Cut(body, `id="sql-text" tabindex="0">`)
			sql, _, _ := strings.Cut(rest, "</pre>")
			if _, err := s.pool.Exec(t.Context(), html.UnescapeString(sql)); err != nil {
				t.Errorf("%s: the statement does not run: %v\n%s", match[1], err, sql)
			}
		}
	}
}

func TestRoles(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.exec(addWorker, "worker.1")
	s.http.Client().CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	form := url.Values{"worker": {"worker.1"}, "back": {"/console/workers"}}
	for _, tc := range []struct {
		name      string
		person    console.Person
		get, post int
	}{
		{"a visitor", console.Person{}, http.StatusSeeOther, http.StatusForbidden},
		{"a person without a role", console.Person{ID: "1"}, http.StatusNotFound, http.StatusNotFound},
		{"a viewer", console.Person{ID: "1", Role: console.Viewer}, http.StatusOK, http.StatusForbidden},
		{"an operator", console.Person{ID: "1", Role: console.Operator, SignedIn: time.Now()}, http.StatusOK, http.StatusSeeOther},
	} {
		s.people.set(func(p *console.Person) { *p = tc.person })
		if got, _ := s.get("/console/workers"); got != tc.get {
			t.Errorf("%s gets the page with %d, want %d", tc.name, got, tc.get)
		}
		if tc.get != http.StatusOK { // otherwise the stream does not end
			if got, _ := s.get("/console/events/workers"); got != tc.get {
				t.Errorf("%s gets the stream with %d, want %d", tc.name, got, tc.get)
			}
		}
		if got, _ := s.post("/console/workers/drain", form); got != tc.post {
			t.Errorf("%s acts with %d, want %d", tc.name, got, tc.post)
		}
		if drained := one[bool](s, "select draining from work.worker"); drained != (tc.person.Role == console.Operator) {
			t.Errorf("%s: draining is %t", tc.name, drained)
		}
	}
}

// TestPasswordAgain: twelve hours after the sign-in an act asks for the password, and keeps what was typed.
func TestPasswordAgain(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.exec(addWorker, "worker.1")
	s.people.set(func(p *console.Person) { p.SignedIn = time.Now().Add(-13 * time.Hour) })
	form := url.Values{"worker": {"worker.1"}, "reason": {"a typed reason"}, "back": {"/console/workers"}}
	status, body := s.post("/console/workers/drain", form)
	if status != http.StatusForbidden || !strings.Contains(body, `name="reason" value="a typed reason"`) {
		t.Errorf("the page is %d and lacks the reason:\n%s", status, body)
	}
	form.Set("password", "not the password")
	if _, body = s.post("/console/workers/drain", form); !strings.Contains(body, "password-error") {
		t.Errorf("a wrong password is not reported:\n%s", body)
	}
	form.Set("password", "the password")
	if status, body = s.post("/console/workers/drain", form); status != http.StatusOK || !strings.Contains(body, "a typed reason") {
		t.Errorf("after the password the page is %d:\n%s", status, body)
	}
	if reason := one[string](s, "select reason from jobs.audit where who = 'ann@example.com'"); reason != "a typed reason" {
		t.Errorf("the audit has the reason %q", reason)
	}
}

// TestStream: an open page gets the panel that changed, and ends when the role is removed.
func TestStream(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	await := s.open("/console/events/workers")
	if !await("No worker is alive") {
		t.Fatal("the stream did not begin with the panels")
	}
	s.exec(addWorker, "worker.1")
	if !await("worker.1") {
		t.Fatal("the new worker did not come")
	}
	s.people.set(func(p *console.Person) { p.Role = console.None })
	if await("no event has this text") {
		t.Error("the stream goes on without a role")
	}
}

// TestDatabaseAway: while Postgres is away, an open page says since when, and recovers by itself.
func TestDatabaseAway(t *testing.T) {
	t.Parallel()
	target, err := pgxpool.ParseConfig(testdb.NewURL(t))
	if err != nil {
		t.Fatal(err)
	}
	between, err := relay.New("127.0.0.1:0", net.JoinHostPort(target.ConnConfig.Host, strconv.Itoa(int(target.ConnConfig.Port))))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(between.Close)
	pool, err := pgxpool.New(t.Context(), between.Through(target.ConnString()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	s := newSiteOn(t, pool)
	await := s.open("/console/events/workers")
	if !await("No worker is alive") {
		t.Fatal("the stream did not begin with the panels")
	}
	between.Down()
	if !await("The database has not answered since") {
		t.Fatal("the stream ended when the database went away")
	}
	if status, _ := s.get("/console/workers"); status != http.StatusServiceUnavailable {
		t.Errorf("meanwhile a new page is %d, want 503", status)
	}
	if err := between.Up(); err != nil {
		t.Fatal(err)
	}
	if !await(`<div id="away" role="status"></div>`) {
		t.Fatal("the stream did not say that the database answers again")
	}
}

// TestFind: the palette finds pages, a job by its number and things by their names, and answers any text.
func TestFind(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.exec(addWorker, "worker.1")
	s.exec(`insert into work.kind (kind) values ('send_invoice'), ('<script>')`)
	for text, want := range map[string]string{
		"4711": "/console/jobs/4711", "work": "/console/workers", "INVO": "/console/jobs?q=kind%3Asend_invoice", "er.1": "worker.1",
		"<scr": "&lt;script&gt;", "%": "Nothing is called that", "'; drop table x": "Nothing is called that", "\x00": "Overview", "\xff": "Overview", "a\u202eb": "Overview",
	} {
		status, body := s.get("/console/find?q=" + url.QueryEscape(text))
		if status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%q: %d without %s", text, status, want)
		}
	}
}

// TestFormsFromOtherSites: another site's form changes nothing.
func TestFormsFromOtherSites(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.exec(addWorker, "worker.1")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.http.URL+"/console/workers/drain", strings.NewReader("worker=worker.1"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	response, err := s.http.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusForbidden || one[bool](s, "select draining from work.worker") {
		t.Errorf("the answer is %d", response.StatusCode)
	}
}
