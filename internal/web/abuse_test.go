package web

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/reader"
	"github.com/backlist/backlist/internal/site"
)

// TestPrivatePagesAreNotStored: after a sign-out the back button shows no page of the account.
func TestPrivatePagesAreNotStored(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	if got := s.get("/books").Header.Get("Cache-Control"); got != "private, no-cache" {
		t.Errorf("a visitor's page: %q", got)
	}
	s.signUp("Odo")
	for _, path := range []string{"/", "/books", "/mailbox", "/settings", "/recommendations", "/shelf", "/settings/delete"} {
		if got := s.get(path).Header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s: %q", path, got)
		}
	}
}

// TestResetPageKeepsItsToken: neither a referrer nor a cache leaks the page's address, and browsers that send only an origin can
// post its form.
func TestResetPageKeepsItsToken(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.signUp("Odo")
	s.cookie = map[string]string{}
	link, err := reader.MintReset(t.Context(), s.tx, s.email("Odo"), "")
	if err != nil {
		t.Fatal(err)
	}
	page := s.get(link).wants(http.StatusOK)
	if got := page.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("caches: %q", got)
	}
	if got := page.Header.Get("Referrer-Policy"); got != "strict-origin" { // no-referrer makes forms post Origin: null
		t.Errorf("referrer: %q", got)
	}
	s.header.Set("Origin", "http://example.com")
	s.post(link, url.Values{"password": {"another long password"}}).leadsTo("/")
	s.header = http.Header{}
	s.get("/mailbox").wants(http.StatusOK)
	s.post(link, url.Values{"password": {"a third long password"}}).wants(http.StatusNotFound)
}

// TestRatingNeedsStars: empty stars remove a rating, but a body without the field does not.
func TestRatingNeedsStars(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	me := s.signUp("Odo")
	id := s.book("Emma")
	path := "/books/" + strconv.FormatInt(id, 10) + "/rating"
	s.post(path, url.Values{"stars": {"4"}}).wants(http.StatusSeeOther)
	for kind, body := range map[string]string{
		"application/json":                 `{"stars": 5}`,
		"text/plain":                       "stars=5",
		"multipart/form-data; boundary=--": "----\r\nContent-Disposition: form-data; name=\"stars\"\r\n\r\n5\r\n------\r\n",
	} {
		s.header.Set("Content-Type", kind)
		s.do(http.MethodPost, path, strings.NewReader(body)).wants(http.StatusUnprocessableEntity, "Choose how many stars.")
	}
	s.header = http.Header{}
	s.post(path, nil).wants(http.StatusUnprocessableEntity)
	rated := "select count(*) from rating where reader_id = $1 and stars = 8"
	if s.count(rated, me) != 1 {
		t.Error("the rating was lost")
	}
	s.post(path, url.Values{"stars": {""}}).wants(http.StatusSeeOther)
	if s.count(rated, me) != 0 {
		t.Error("empty stars leave the rating")
	}
}

// TestSearchTextDoesNotMultiply: a long text in the address is not repeated in every link of the page.
func TestSearchTextDoesNotMultiply(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	if _, err := s.tx.Exec(t.Context(), `
		with s as (insert into subject (key, name) select 'k'||n, 'Subject '||n from generate_series(1, 50) n returning key),
		b as (insert into book (title) values ('Emma') returning id)
		insert into book_subject (book_id, subject) select b.id, s.key from s, b`); err != nil {
		t.Fatal(err)
	}
	short := len(s.get("/books?q=x").wants(http.StatusOK, "Subject 50").Body)
	if long := len(s.get("/books?q=" + strings.Repeat("x", 12000)).wants(http.StatusOK).Body); long > short+20000 {
		t.Errorf("12,000 characters make a page of %d bytes, one makes %d", long, short)
	}
}

// TestAddressesDoNotMultiply: links to other pages of a list keep its filters, but no other part of a long address.
func TestAddressesDoNotMultiply(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	me := s.signUp("Odo")
	for _, sql := range []string{
		"insert into subject (key, name) values ('novel', 'Novels') on conflict do nothing",
		"insert into book (title) select 'Emma '||n from generate_series(1, 300) n",
		"insert into book_subject (book_id, subject) select id, 'novel' from book",
		"insert into shelving (reader_id, book_id, status) select " + strconv.FormatInt(me, 10) + ", id, 'read' from book",
	} {
		if _, err := s.tx.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	long := strings.Repeat("x", 3000)
	for path, next := range map[string]string{
		"/books?subject=novel": "/books?page=2&amp;subject=novel", "/shelf?tab=read": "/shelf?page=2&amp;tab=read",
	} {
		if body := s.get(path + "&x=" + long).wants(http.StatusOK).Body; strings.Contains(body, long) || !strings.Contains(body, next) {
			t.Errorf("%s repeats its address, or has no link to the next page", path)
		}
	}
	if body := s.get("/books?subject=" + long).wants(http.StatusOK).Body; strings.Contains(body, long) {
		t.Error("a subject that does not exist is repeated")
	}
}

// TestLongMethodIsLoggedShort: a client may send any word as its method, up to the limit of a request's header.
func TestLongMethodIsLoggedShort(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	var log bytes.Buffer
	s.server.Log = slog.New(slog.NewTextHandler(&log, nil))
	s.do(strings.Repeat("X", 12000), "/books", nil).wants(http.StatusMethodNotAllowed)
	if log.Len() > 1000 || !strings.Contains(log.String(), "method=XXXXXX") {
		t.Errorf("the log has %d bytes: %.300s", log.Len(), log.String())
	}
}

// TestLearntAddressIsOne: links in mail begin with the host of the first sign-up, so it must be a valid host name.
func TestLearntAddressIsOne(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.server.Address = site.NewAddress("")
	if _, err := s.tx.Exec(t.Context(), "delete from site"); err != nil {
		t.Fatal(err)
	}
	form := url.Values{"name": {"Odo"}, "email": {"odo@host.example"}, "password": {"a long password"}}
	for _, host := range []string{strings.Repeat("x", 4000) + ".example", "a@b.example", "books.example:x", "books.example/x", ""} {
		s.host = &host
		s.post("/signup", form).wants(http.StatusBadRequest)
	}
	good := "bücher.example"
	s.host = &good
	s.post("/signup", form).wants(http.StatusSeeOther)
	if n := s.count("select count(*) from site where base_url = 'http://xn--bcher-kva.example'"); n != 1 {
		t.Error("the address is not stored")
	}
}

// passwordChanging is a database on which a new password is set when a handler begins its transaction, just after it has
// verified the old one.
type passwordChanging struct {
	DB
	change func()
}

func (d passwordChanging) Begin(ctx context.Context) (pgx.Tx, error) {
	d.change()
	return d.DB.Begin(ctx)
}

// TestOldPasswordOpensNothing: a request with the old password that is being verified while a new one is set has no effect. It
// creates no session, sets no password and deletes nothing.
func TestOldPasswordOpensNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	me := s.signUp("Odo")
	hash := func() (hash string) {
		if err := s.tx.QueryRow(t.Context(), "select password_hash from reader where id = $1", me).Scan(&hash); err != nil {
			t.Fatal(err)
		}
		return hash
	}
	old := hash()
	s.server.DB = passwordChanging{s.tx, func() {
		if _, err := s.tx.Exec(t.Context(), "update reader set password_hash = 'new' where id = $1", me); err != nil {
			t.Fatal(err)
		}
	}}
	const password = "a long password"
	for path, form := range map[string]url.Values{
		"/signin":            {"email": {s.email("Odo")}, "password": {password}},
		"/settings/password": {"current": {password}, "password": {"the thief's password"}},
		"/settings/delete":   {"password": {password}},
	} {
		if _, err := s.tx.Exec(t.Context(), "update reader set password_hash = $1 where id = $2", old, me); err != nil {
			t.Fatal(err)
		}
		sessions := s.count("select count(*) from session where reader_id = $1", me)
		s.post(path, form).wants(http.StatusUnprocessableEntity)
		if n := s.count("select count(*) from session where reader_id = $1", me); n != sessions {
			t.Errorf("%s: %d sessions, before %d", path, n, sessions)
		}
		if got := hash(); got != "new" {
			t.Errorf("%s: the password became %q", path, got)
		}
	}
}

// TestLearntAddressIsSaid: where no proxy checks hosts, the first visitor decides where links in mail lead, and no later one
// does. The log warns the operator.
func TestLearntAddressIsSaid(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	var log bytes.Buffer
	s.server.Address, s.server.Log = site.NewAddress(""), slog.New(slog.NewTextHandler(&log, nil))
	if _, err := s.tx.Exec(t.Context(), "delete from site"); err != nil {
		t.Fatal(err)
	}
	s.signUp("Odo")
	if got := log.String(); !strings.Contains(got, "BASE_URL is not set") || !strings.Contains(got, "base_url=http://example.com") {
		t.Errorf("the log is %s", got)
	}
	s.server.Address = site.NewAddress("") // another process
	s.post("/signout", nil)
	s.header.Set("X-Forwarded-Proto", "https")
	s.signUp("Eve")
	if n := s.count("select count(*) from site where base_url = 'http://example.com'"); n != 1 {
		t.Error("a later sign-up moved the links in mail")
	}
}
