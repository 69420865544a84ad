package web

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/go-chi/chi/v5/middleware"

	"github.com/backlist/backlist/internal/answer"
	"github.com/backlist/backlist/internal/console"
	"github.com/backlist/backlist/internal/reader"
)

// asks calls fn with a request that has the client's cookies, and keeps the cookies that fn sets.
func (s *testSite) asks(fn func(w http.ResponseWriter, r *http.Request)) {
	s.t.Helper()
	r := httptest.NewRequestWithContext(s.t.Context(), http.MethodPost, "/console", nil)
	r.RemoteAddr = s.addr
	for name, value := range s.cookie {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w := httptest.NewRecorder()
	middleware.ClientIPFromRemoteAddr(http.HandlerFunc(fn)).ServeHTTP(w, r)
	for _, cookie := range w.Result().Cookies() {
		s.cookie[cookie.Name] = cookie.Value
	}
}

// person returns the client as Person and Confirm see it, which must agree.
func (s *testSite) person() (person console.Person) {
	s.t.Helper()
	s.asks(func(_ http.ResponseWriter, r *http.Request) {
		var err error
		if person, err = s.server.Operators().Person(r.Context(), r); err != nil {
			s.t.Error(err)
		}
		confirmed, err := s.server.Operators().Confirm(r.Context(), s.tx, r)
		if err != nil || confirmed != person {
			s.t.Errorf("confirmed as %+v, %v, want %+v", confirmed, err, person)
		}
	})
	return person
}

// renew gives the console the password.
func (s *testSite) renew(password string) (err error) {
	s.t.Helper()
	s.asks(func(w http.ResponseWriter, r *http.Request) { err = s.server.Operators().Renew(w, r, password) })
	return err
}

// role gives the account of name a role, or takes it.
func (s *testSite) role(name string, role reader.Role) {
	s.t.Helper()
	var err error
	if role == reader.RoleNone {
		err = reader.RemoveOperator(s.t.Context(), s.tx, s.email(name))
	} else {
		_, err = reader.AddOperator(s.t.Context(), s.tx, s.email(name), role, "a test")
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *testSite) signedInAgo(age time.Duration) {
	s.t.Helper()
	if _, err := s.tx.Exec(s.t.Context(), "update session set created_at = now() - $1::interval", age); err != nil {
		s.t.Fatal(err)
	}
}

// TestPerson: the role counts from the moment when it is given or taken, and ends with the session.
func TestPerson(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	if p := s.person(); p != (console.Person{}) {
		t.Errorf("a visitor is %+v", p)
	}
	id := s.signUp("Odo Quillfeather")
	s.role("Odo Quillfeather", reader.RoleViewer)
	want := console.Person{ID: strconv.FormatInt(id, 10), Name: s.email("Odo Quillfeather"), Role: console.Viewer}
	is := func(role console.Role) {
		t.Helper()
		want.Role = role
		p := s.person()
		if want.SignedIn = p.SignedIn; p != want || p.SignedIn.IsZero() {
			t.Errorf("%+v, want %+v", p, want)
		}
	}
	is(console.Viewer)
	s.role("Odo Quillfeather", reader.RoleOperator)
	is(console.Operator)
	odo := s.cookie
	s.cookie = map[string]string{}
	s.signUp("Ada Ink")
	s.role("Ada Ink", reader.RoleOperator)
	s.cookie = odo
	s.role("Odo Quillfeather", reader.RoleNone)
	is(console.None)

	s.role("Odo Quillfeather", reader.RoleOperator)
	was := map[string]string{"backlist": s.cookie["backlist"]}
	s.post("/signout", nil).leadsTo("/")
	for _, cookies := range []map[string]string{was, {}, {"backlist": ""}, {"backlist": "a forged value"}} {
		s.cookie = cookies
		if p := s.person(); p != (console.Person{}) {
			t.Errorf("with %v signed in as %+v", cookies, p)
		}
	}
}

// TestRenew: the password renews the session and its cookie, and the old cookie is worthless.
func TestRenew(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.signUp("Odo Quillfeather")
	s.role("Odo Quillfeather", reader.RoleOperator)
	s.signedInAgo(13 * time.Hour)
	before, old := s.person(), s.cookie["backlist"]
	for _, wrong := range []string{"", "a wrong password", "a\x00b", "\xff"} {
		if err := s.renew(wrong); !errors.Is(err, console.ErrPassword) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
	if p := s.person(); p != before || s.cookie["backlist"] != old {
		t.Errorf("a wrong password changed the session: %+v, before %+v", p, before)
	}
	if err := s.renew("a long password"); err != nil {
		t.Fatal(err)
	}
	after := s.person()
	if got := after.SignedIn.Sub(before.SignedIn); got != 13*time.Hour || after.Role != console.Operator || after.ID != before.ID {
		t.Errorf("%+v, before %+v", after, before)
	}
	if n := s.count("select count(*) from session"); n != 1 || s.cookie["backlist"] == old {
		t.Errorf("%d sessions, or the same cookie", n)
	}
	s.get("/settings").wants(http.StatusOK)

	s.cookie["backlist"] = old // as another tab that sends its form at the same time
	if p := s.person(); p != (console.Person{}) {
		t.Errorf("the old cookie is that of %+v", p)
	}
	refused, ok := errors.AsType[*answer.Error](s.renew("a long password"))
	if !ok || refused.Status != http.StatusForbidden || s.cookie["backlist"] != old || s.count("select count(*) from session") != 1 {
		t.Errorf("an ended session was renewed: %v", refused)
	}
}

// TestRenewIsLimited: wrong passwords are counted together with those of sign-in.
func TestRenewIsLimited(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.signUp("Odo Quillfeather")
	form := url.Values{"email": {s.email("Odo Quillfeather")}, "password": {"a wrong password"}}
	visitor := *s
	visitor.cookie = map[string]string{}
	visitor.post("/signin", form).wants(http.StatusUnprocessableEntity)
	tries := 1
	for ; tries < 40; tries++ {
		err := s.renew("a wrong password")
		if errors.Is(err, console.ErrPassword) {
			continue
		}
		refused, ok := errors.AsType[*answer.Error](err)
		if !ok || refused.Status != http.StatusTooManyRequests || refused.RetryAfter < 1 {
			t.Fatal(err)
		}
		break
	}
	if tries > 10 {
		t.Errorf("%d wrong passwords were tried at once", tries)
	}
	visitor.post("/signin", form).wants(http.StatusTooManyRequests)
	if err := s.renew("a long password"); err == nil || errors.Is(err, console.ErrPassword) {
		t.Errorf("the right password after too many wrong ones: %v", err)
	}
}

// TestConsoleLink: only an account with a role is shown the way to the console.
func TestConsoleLink(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	leads := func(want bool) {
		t.Helper()
		found := false
		for n := range s.get("/settings").wants(http.StatusOK).root.Descendants() {
			found = found || attr(n, "href") == "/console"
		}
		if found != want {
			t.Errorf("a link to the console: %t, want %t", found, want)
		}
	}
	s.signUp("Odo Quillfeather")
	leads(false)
	s.get("/settings/delete").wants(http.StatusOK)
	s.role("Odo Quillfeather", reader.RoleViewer)
	leads(true)
	s.role("Odo Quillfeather", reader.RoleOperator)
	leads(true)
	s.get("/settings/delete").wants(http.StatusOK, "You are the last operator")
}

// TestConsoleSignIn: after the sign-in the browser goes to the page that was asked for.
func TestConsoleSignIn(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.signUp("Odo Quillfeather")
	const next = "/console/jobs?q=state:discarded+error:%22a+b%22&page=2"
	s.get(s.server.Operators().SignIn(next)).leadsTo(next)
}
