package web

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/backlist/backlist/internal/mail"
)

func TestSignUpQueuesTheWelcome(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	me := s.signUp("Odo Quillfeather")
	s.get("/").wants(http.StatusOK, "Welcome.", "Odo")
	if n := s.count(`select count(*) from message m join jobs.job j on j.kind = 'deliver_mail' and
		(j.args ->> 'message_id')::bigint = m.id where m.reader_id = $1 and m.kind = 'welcome'`, me); n != 1 {
		t.Errorf("%d welcome mails with their job, want 1", n)
	}
	s.get("/mailbox").wants(http.StatusOK)
}

func TestSignUpKeepsWhatWasTyped(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	page := s.post("/signup", url.Values{"name": {"Odo <Q>"}, "email": {"not an address"}, "password": {"short"}, "next": {"/books/1"}}).
		wants(http.StatusUnprocessableEntity, "e-mail", "password")
	for name, want := range map[string]string{"name": "Odo <Q>", "email": "not an address", "password": "", "next": "/books/1"} {
		if got, ok := page.value(name); !ok || got != want {
			t.Errorf("%s holds %q, want %q", name, got, want)
		}
	}
	for _, bad := range []url.Values{
		{"name": {strings.Repeat("n", 10_000)}, "email": {"a@b.example"}, "password": {"a long password"}},
		{"name": {"a\x00b"}, "email": {"a@b.example"}, "password": {"a long password"}},
		{"name": {"a\xffb"}, "email": {"a@b.example"}, "password": {"a long password"}},
		{"name": {""}, "email": {"a@b.example"}, "password": {"a long password"}},
		{"name": {"Odo"}, "email": {"a\x00@b.example"}, "password": {"a long password"}},
		{},
	} {
		s.post("/signup", bad).wants(http.StatusUnprocessableEntity)
	}
	if n := s.count("select count(*) from reader"); n != 0 {
		t.Errorf("%d readers were made", n)
	}
}

func TestAddressIsTakenInAnyCase(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.signUp("Odo Quillfeather")
	s.cookie = map[string]string{}
	s.post("/signup", url.Values{"name": {"Other"}, "email": {strings.ToUpper(s.email("Odo Quillfeather"))}, "password": {"a long password"}}).
		wants(http.StatusUnprocessableEntity, "account")
}

func TestSigningInAndOut(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.signUp("Odo Quillfeather")
	old := s.cookie["backlist"]
	s.post("/signout", nil).leadsTo("/")
	s.get("/mailbox").leadsTo("/signin?next=%2Fmailbox")
	s.cookie["backlist"] = old
	s.get("/mailbox").leadsTo("/signin?next=%2Fmailbox") // the session of the old cookie has ended
	delete(s.cookie, "backlist")

	form := url.Values{"email": {strings.ToUpper(s.email("Odo Quillfeather"))}, "password": {"a wrong password"}, "next": {"/mailbox"}}
	wrong := s.post("/signin", form).wants(http.StatusUnprocessableEntity)
	if got, _ := wrong.value("email"); got != form.Get("email") {
		t.Errorf("the address was lost: %q", got)
	}
	form.Set("email", s.email("Unknown"))
	unknown := s.post("/signin", form).wants(http.StatusUnprocessableEntity)
	if unknown.text() != wrong.text() {
		t.Errorf("the page distinguishes an unknown address from a wrong password:\n%s\n%s", unknown.text(), wrong.text())
	}
	form.Set("email", s.email("Odo Quillfeather"))
	form.Set("password", "a long password")
	s.post("/signin", form).leadsTo("/mailbox")
	s.get("/mailbox").wants(http.StatusOK)
}

func TestSignInLeadsNowhereElse(t *testing.T) {
	t.Parallel()
	for _, next := range []string{"https://evil.example", "//evil.example", `/\evil.example`, "javascript:alert(1)", "/\t/evil.example", "evil"} {
		if got := localPath(next); got != "/" {
			t.Errorf("%q leads to %q", next, got)
		}
	}
	if got := localPath("/books?q=emma&page=2"); got != "/books?q=emma&page=2" {
		t.Errorf("a page of ours became %q", got)
	}
}

func TestSignInIsLimited(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.signUp("Odo Quillfeather")
	s.cookie = map[string]string{}
	form := url.Values{"email": {s.email("Odo Quillfeather")}, "password": {"a wrong password"}}
	for range 40 {
		a := s.post("/signin", form)
		if a.Status == http.StatusTooManyRequests {
			a.wants(http.StatusTooManyRequests, "Please wait")
			if a.Header.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
			return
		}
		a.wants(http.StatusUnprocessableEntity)
	}
	t.Error("40 wrong passwords were tried at once")
}

func TestForgottenPassword(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	me := s.signUp("Odo Quillfeather")
	s.cookie = map[string]string{}
	s.post("/forgot", url.Values{"email": {"unknown@readers.example"}}).leadsTo("/forgot/sent")
	s.post("/forgot", url.Values{"email": {"no address"}}).wants(http.StatusUnprocessableEntity)
	s.post("/forgot", url.Values{"email": {strings.ToUpper(s.email("Odo Quillfeather"))}}).leadsTo("/forgot/sent")
	s.get("/forgot/sent").wants(http.StatusOK, "one hour")
	if n := s.count("select count(*) from message where kind = 'reset'"); n != 1 {
		t.Errorf("%d mails, want one for the one account", n)
	}
	if n := s.count("select count(*) from password_reset where reader_id = $1 and token_hash is null", me); n != 1 {
		t.Errorf("the link was minted before its mail is sent")
	}
	s.get("/reset/a-guess").wants(http.StatusNotFound)
	s.post("/reset/a-guess", url.Values{"password": {"another password"}}).wants(http.StatusNotFound)
}

func TestSettings(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	me := s.signUp("Odo Quillfeather")
	s.post("/settings", url.Values{"name": {"Odo Q"}, "time_zone": {"Pacific/Auckland"}, "quiet": {"on"}}).leadsTo("/settings")
	s.get("/signin").leadsTo("/") // a redirect shows no sentence, so it keeps the one that it is given
	s.get("/settings").wants(http.StatusOK, "Your settings are saved.", "Pacific/Auckland")
	if again := s.get("/settings").wants(http.StatusOK); strings.Contains(again.Body, "Your settings are saved.") {
		t.Error("the sentence is shown twice")
	}
	if n := s.count("select count(*) from reader where id = $1 and name = 'Odo Q' and not mail_ready", me); n != 1 {
		t.Error("the settings were not stored")
	}
	page := s.post("/settings", url.Values{"name": {""}, "time_zone": {"Nowhere/Else"}}).wants(http.StatusUnprocessableEntity)
	if got, _ := page.value("name"); got != "" {
		t.Errorf("the typed value became %q", got)
	}
	s.post("/settings/password", url.Values{"current": {"wrong"}, "password": {"another password"}}).
		wants(http.StatusUnprocessableEntity, "not your current password")
	s.post("/settings/password", url.Values{"current": {"a long password"}, "password": {"another password"}}).leadsTo("/settings")
	if n := s.count("select count(*) from rate_limit where key like 'signin:place%'"); n != 0 {
		t.Error("the right password does not make up for wrong ones")
	}
	s.get("/settings").wants(http.StatusOK) // this session remains
}

func TestDeletingTheAccountStopsItsMail(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	me := s.signUp("Odo Quillfeather")
	s.get("/settings/delete").wants(http.StatusOK)
	s.post("/settings/delete", url.Values{"password": {"wrong"}}).wants(http.StatusUnprocessableEntity, "Nothing was deleted")
	s.post("/settings/delete", url.Values{"password": {"a long password"}}).leadsTo("/")
	if n := s.count("select count(*) from reader where id = $1", me) + s.count("select count(*) from message where reader_id = $1", me); n != 0 {
		t.Errorf("%d rows remain", n)
	}
	s.get("/").wants(http.StatusOK, "deleted")
}

// TestMailboxIsPrivate: another reader's message is not found.
func TestMailboxIsPrivate(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.signUp("Odo Quillfeather")
	var id string
	if err := s.tx.QueryRow(t.Context(), "select id::text from message").Scan(&id); err != nil {
		t.Fatal(err)
	}
	s.get("/mailbox/" + id).wants(http.StatusOK)
	s.cookie = map[string]string{}
	s.signUp("Una Marrow")
	s.get("/mailbox/" + id).wants(http.StatusNotFound)
	s.get("/mailbox/text").wants(http.StatusNotFound)
	s.post("/mailbox/text/read", nil).wants(http.StatusNotFound)
}

// TestOpeningAMessageWritesNothing: only a POST by its own reader marks a message as read, because browsers also prefetch pages.
func TestOpeningAMessageWritesNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.signUp("Odo Quillfeather")
	var id string
	err := s.tx.QueryRow(t.Context(), "update message set state = 'failed', body_text = 'Dear Odo,' returning id::text").Scan(&id)
	if err != nil {
		t.Fatal(err)
	}
	unread := func(want int) {
		t.Helper()
		if n := s.count("select count(*) from message where read_at is null"); n != want {
			t.Errorf("%d messages are unread, want %d", n, want)
		}
	}
	s.get("/mailbox").wants(http.StatusOK, "Unread: ")
	s.get("/mailbox/"+id).wants(http.StatusOK, "Mark as read")
	unread(1)
	odo := s.cookie
	s.cookie = map[string]string{}
	s.signUp("Una Marrow")
	s.post("/mailbox/"+id+"/read", nil).leadsTo("/mailbox/" + id) // the same answer for any number, so that it reveals nothing
	unread(2)
	s.cookie = odo
	s.post("/mailbox/"+id+"/read", nil).leadsTo("/mailbox/" + id)
	unread(1)
	if page := s.get("/mailbox/" + id); strings.Contains(page.text(), "Mark as read") {
		t.Error("a message that is read offers to be marked")
	}
	if page := s.get("/mailbox"); strings.Contains(page.text(), "Unread: ") {
		t.Error("the mailbox shows the message as unread")
	}
}

func TestUnsubscribe(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	me := s.signUp("Odo Quillfeather")
	s.cookie = map[string]string{}
	wanted := func() int { return s.count("select count(*) from reader where id = $1 and mail_ready", me) }
	path := "/unsubscribe/" + mail.Token(s.server.Secret, me, mail.KindReady)
	s.get(path).wants(http.StatusOK)
	if wanted() != 1 {
		t.Fatal("opening the link unsubscribed: mail scanners do that")
	}
	s.post(path[:len(path)-2]+"xx", nil).wants(http.StatusNotFound)
	// A mail program posts without Origin, Sec-Fetch-Site and session.
	s.post(path, url.Values{"List-Unsubscribe": {"One-Click"}}).wants(http.StatusOK)
	if wanted() != 0 {
		t.Error("one click did not unsubscribe")
	}
	s.post(path, nil).wants(http.StatusOK) // and again
}

func TestOtherSitesAreRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.header.Set("Sec-Fetch-Site", "cross-site")
	s.post("/signup", url.Values{"name": {"Odo"}, "email": {"a@b.example"}, "password": {"a long password"}}).
		wants(http.StatusForbidden, "another site")
	s.header = http.Header{"Origin": {"https://evil.example"}}
	s.post("/signout", nil).wants(http.StatusForbidden)
	if n := s.count("select count(*) from reader"); n != 0 {
		t.Error("an account was made")
	}
}

func TestHugeBodies(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.signUp("Odo Quillfeather")
	big := strings.NewReader("name=" + strings.Repeat("n", 10<<20))
	s.do(http.MethodPost, "/settings", big).wants(http.StatusRequestEntityTooLarge)
	s.do(http.MethodPost, "/settings", strings.NewReader("name=%zz")).wants(http.StatusBadRequest, "could not be read")
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, path := range []string{"/", "/nothing", "/signup"} {
		a := s.get(path)
		csp := a.Header.Get("Content-Security-Policy")
		if !strings.Contains(csp, "script-src 'self'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: policy %q", path, csp)
		}
		if a.Header.Get("X-Content-Type-Options") != "nosniff" || a.Header.Get("X-Request-Id") == "" {
			t.Errorf("%s: headers %v", path, a.Header)
		}
	}
	s.get("/nothing").wants(http.StatusNotFound)
	if a := s.do(http.MethodHead, "/", nil); a.Status != http.StatusOK {
		t.Errorf("HEAD / is %d", a.Status)
	}
	s.do(http.MethodDelete, "/signup", nil).wants(http.StatusMethodNotAllowed)
}

// TestCookies: cookies are HttpOnly and Lax, and Secure except in dev.
func TestCookies(t *testing.T) {
	t.Parallel()
	for _, dev := range []bool{true, false} {
		s := newSite(t)
		s.server.Dev = dev
		a := s.post("/signup", url.Values{"name": {"Odo"}, "email": {s.email("Odo")}, "password": {"a long password"}})
		res := http.Response{Header: a.Header}
		for _, cookie := range res.Cookies() {
			if !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Secure == dev || cookie.Path != "/" {
				t.Errorf("dev %v: %s", dev, cookie.Raw)
			}
		}
		if len(res.Cookies()) == 0 {
			t.Error("no cookie")
		}
	}
}

func TestProxy(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.server.TrustProxy, s.server.Dev = true, false
	s.header.Set("X-Forwarded-Proto", "http")
	if a := s.get("/books?q=emma"); a.Status != http.StatusPermanentRedirect || a.Header.Get("Location") != "https://example.com/books?q=emma" {
		t.Errorf("plain HTTP: %d to %s", a.Status, a.Header.Get("Location"))
	}
	s.header.Set("X-Forwarded-Proto", "https")
	s.header.Set("X-Forwarded-For", "6.6.6.6, 203.0.113.7")
	if a := s.get("/"); a.Header.Get("Strict-Transport-Security") == "" {
		t.Error("https without HSTS")
	}
	w := httptest.NewRecorder()
	s.server.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/healthz", nil))
	if w.Body.String() != "ok\n" {
		t.Errorf("healthz answers %q", w.Body.String())
	}
}
