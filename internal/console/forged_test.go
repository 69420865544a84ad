package console_test

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"github.com/backlist/backlist/internal/console"
)

// routes returns the addresses of the router's routes of a method, so that a new route is tested without being named here.
func (s *site) routes(method string) (list []string) {
	s.t.Helper()
	names := strings.NewReplacer("{id}", "1", "{fingerprint}", "f1")
	err := chi.Walk(s.router, func(of, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		if of == method {
			list = append(list, names.Replace(route))
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return list
}

// anyForm has a value for each field of the console's forms.
var anyForm = url.Values{
	"back": {"/console/workers"}, "reason": {"forged"}, "worker": {"w1"}, "queue": {"mail"}, "share": {"99"}, "within": {"5 s"},
	"act": {"retry"}, "for": {"1h"}, "entry": {"1"}, "bulk": {"1"}, "view": {"1"}, "name": {"mine"}, "q": {"kind:x"},
	"search": {"state:discarded"}, "highest": {"100"}, "number": {"1"}, "sure": {"yes"}, "args": {`{"to": 8, "deep": {}}`},
	"process_type": {"worker"}, "max_wait": {"9 s"}, "min": {"1"}, "max": {"2"}, "mode": {"off"},
}

// acts is what changes with any act.
const changes = `select (select count(*) from work.audit)::text || (select count(*) from work.view) || (select count(*) from work.bulk) ||
	(select count(*) from work.undo) || (select string_agg(state::text, '' order by id) from river.river_job)`

// TestForgedActs: a form that a viewer, a person without a role, a visitor or another site's page sends to any act changes nothing.
func TestForgedActs(t *testing.T) {
	t.Parallel()
	s := jobSite(t)
	s.exec("insert into river.river_queue (name, updated_at) values ('mail', now())")
	s.exec("select jobs.retry(1); select jobs.start_bulk('retry', 'state:discarded', 100, 1)")
	operator, before := s.people.person, one[string](s, changes)
	viewer := console.Person{ID: "2", Name: "bob@example.com", Role: console.Viewer}
	acts := s.routes(http.MethodPost)
	if len(acts) < 15 {
		t.Fatalf("the router has only the acts %q", acts)
	}
	for _, c := range []struct {
		name      string
		person    console.Person
		confirmed *console.Person
		header    http.Header
		want      int
	}{
		{"a viewer", viewer, nil, nil, http.StatusForbidden},
		{"a person without a role", console.Person{ID: "3"}, nil, nil, http.StatusNotFound},
		{"a visitor", console.Person{}, nil, nil, http.StatusForbidden},
		{"an operator who has become a viewer", operator, &viewer, nil, http.StatusForbidden},
		{"an operator whose role was removed", operator, &console.Person{ID: "1"}, nil, http.StatusNotFound},
		{"an operator whose session has ended", operator, &console.Person{}, nil, http.StatusForbidden},
		{"another site's page", operator, nil, http.Header{"Sec-Fetch-Site": {"cross-site"}}, http.StatusForbidden},
		{"a page of a sister site", operator, nil, http.Header{"Sec-Fetch-Site": {"same-site"}}, http.StatusForbidden},
		{"another site's page in an old browser", operator, nil, http.Header{"Origin": {"http://evil.example"}}, http.StatusForbidden},
		{"a page without an origin", operator, nil, http.Header{"Origin": {"null"}}, http.StatusForbidden},
	} {
		s.people.set(func(p *console.Person) { *p = c.person })
		s.people.confirmed = c.confirmed
		for _, path := range acts {
			if status, _ := s.send(path, anyForm, c.header); status != c.want {
				t.Errorf("%s gets %d for %s, want %d", c.name, status, path, c.want)
			}
		}
		if after := one[string](s, changes); after != before {
			t.Fatalf("%s has changed something: %s, before %s", c.name, after, before)
		}
	}
	s.people.set(func(p *console.Person) { *p = operator })
	s.people.confirmed = nil
	for _, path := range acts { // the same form is good for each act
		before = one[string](s, changes)
		if status, body := s.send(path, anyForm, nil); status == http.StatusForbidden || status == http.StatusNotFound || status >= 500 {
			t.Errorf("an operator gets %d for %s:\n%s", status, path, body)
		} else if after := one[string](s, changes); (after != before) != (status == http.StatusOK) {
			t.Errorf("%s is answered with %d; before %s, after %s", path, status, before, after)
		}
	}
}

// TestKeptForm: an act of a session that has ended, before the request or before its transaction, keeps what was typed, and can be
// sent again after the sign-in.
func TestKeptForm(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.exec(addWorker, "w1")
	operator := s.people.person
	form := url.Values{"worker": {"w1"}, "reason": {`a "typed" reason`}, "back": {"/console/workers?x=1"}}
	for name, end := range map[string]func(){
		"before the request":     func() { s.people.set(func(p *console.Person) { *p = console.Person{} }) },
		"before its transaction": func() { s.people.confirmed = &console.Person{} },
	} {
		end()
		status, body := s.post("/console/workers/drain", form)
		for _, text := range []string{
			`action="/console/workers/drain"`, `name="reason" value="a &#34;typed&#34; reason"`, `name="worker" value="w1"`, `href="/signin?next=%2Fconsole%2Fworkers%3Fx%3D1"`,
		} {
			if status != http.StatusForbidden || !strings.Contains(body, text) {
				t.Errorf("%s: %d, and the page lacks %s", name, status, text)
			}
		}
		if strings.Contains(body, `name="password"`) {
			t.Errorf("%s: the page keeps a password", name)
		}
		s.people.set(func(p *console.Person) { *p = operator })
		s.people.confirmed = nil
	}
	if status, _ := s.post("/console/workers/drain", form); status != http.StatusOK || !one[bool](s, "select draining from work.worker") {
		t.Errorf("after the sign-in: %d", status)
	}
}

// TestReplayedForms: a form that is sent twice acts once, or says that it was done already.
func TestReplayedForms(t *testing.T) {
	t.Parallel()
	s := jobSite(t)
	s.exec("insert into river.river_queue (name, updated_at) values ('mail', now())")
	twice := func(path string, form url.Values) {
		t.Helper()
		form.Set("back", "/console/workers")
		if status, body := s.post(path, form); status != http.StatusOK {
			t.Errorf("%s: %d\n%s", path, status, body)
		}
		n := one[int](s, "select count(*)::int from jobs.audit")
		if status, _ := s.post(path, form); status != http.StatusConflict || one[int](s, "select count(*)::int from jobs.audit") != n {
			t.Errorf("%s again: %d", path, status)
		}
	}
	twice("/console/queues/pause", url.Values{"queue": {"mail"}})
	twice("/console/queues/target", url.Values{"queue": {"mail"}, "share": {"99"}, "within": {"5 s"}})
	twice("/console/queues/clear-target", url.Values{"queue": {"mail"}})
	twice("/console/workers/drain", url.Values{"worker": {"w1"}})
	twice("/console/errors/f1/act", url.Values{"act": {"resolve"}})
	twice("/console/jobs/1/act", url.Values{"act": {"retry"}})
	twice("/console/undo", url.Values{"entry": {strconv.Itoa(one[int](s, "select max(id)::int from jobs.audit"))}})
	twice("/console/jobs/4/delete", url.Values{})
	s.exec("select jobs.start_bulk('retry', 'state:discarded', 100, 1)")
	twice("/console/jobs/bulk/cancel", url.Values{"bulk": {"1"}})
}

// TestTwoPeople: of two operators who act on a job at once, one does it and the other is told so. An undo leaves what the other did.
func TestTwoPeople(t *testing.T) {
	t.Parallel()
	s := jobSite(t)
	answers := make(chan int, 2)
	for range 2 {
		go func() {
			status, _ := s.post("/console/jobs/1/act", url.Values{"act": {"retry"}, "back": {"/console/workers"}})
			answers <- status
		}()
	}
	if first, second := <-answers, <-answers; first+second != http.StatusOK+http.StatusConflict {
		t.Errorf("the answers are %d and %d", first, second)
	}
	if n := one[int](s, "select count(*)::int from jobs.audit"); n != 1 {
		t.Fatalf("%d acts were done", n)
	}
	s.people.set(func(p *console.Person) { p.Name = "bob@example.com" })
	if status, _ := s.post("/console/jobs/1/act", url.Values{"act": {"cancel"}}); status != http.StatusOK {
		t.Errorf("bob's act: %d", status)
	}
	status, body := s.post("/console/undo", url.Values{"entry": {"1"}})
	if status != http.StatusConflict || !strings.Contains(body, "has changed since the act") || one[string](s, "select state::text from jobs.job where id = 1") != "cancelled" {
		t.Errorf("an undo after another's act: %d\n%s", status, body)
	}
}
