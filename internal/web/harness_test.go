package web

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/net/html"

	"github.com/backlist/backlist/internal/importer"
	"github.com/backlist/backlist/internal/live"
	"github.com/backlist/backlist/internal/mail"
	"github.com/backlist/backlist/internal/reader"
	"github.com/backlist/backlist/internal/recommend"
	"github.com/backlist/backlist/internal/site"
	"github.com/backlist/backlist/internal/testdb"
	"github.com/backlist/backlist/internal/work"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// testSite is a server on a transaction that is rolled back, with a client that keeps cookies.
type testSite struct {
	t      *testing.T
	tx     pgx.Tx
	server *Server
	cookie map[string]string
	host   *string     // nil: example.com
	header http.Header // added to every request
	addr   string      // of the client; different in each test, because attempts are counted by it
}

var addresses atomic.Int32

func newSite(t *testing.T) *testSite {
	t.Helper()
	tx := testdb.Tx(t)
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))
	workers := work.NewWorkers()
	work.AddWorker(workers, &recommend.ReaderWorker{})
	work.AddWorker(workers, &mail.DeliverWorker{})
	work.AddWorker(workers, &importer.Worker{})
	jobs, err := work.NewInserter(nil, work.Options{Schema: "river", Log: log, Workers: workers})
	if err != nil {
		t.Fatal(err)
	}
	n := addresses.Add(1)
	return &testSite{
		t: t, tx: tx, cookie: map[string]string{}, header: http.Header{},
		addr: fmt.Sprintf("10.%d.%d.1:4321", n>>8, n&255),
		server: &Server{
			DB: tx, Jobs: jobs, Hasher: reader.NewHasher(), Hub: live.NewHub(log), Log: log,
			Secret: "a secret for tests", Address: site.NewAddress("http://example.com"), Dev: true, RequestTime: time.Minute,
		},
	}
}

// response is a response and its parsed page.
type response struct {
	t      *testing.T
	Status int
	Header http.Header
	Body   string
	root   *html.Node
}

func (s *testSite) get(path string) response { return s.do(http.MethodGet, path, nil) }

func (s *testSite) post(path string, form url.Values) response {
	return s.do(http.MethodPost, path, strings.NewReader(form.Encode()))
}

func (s *testSite) do(method, path string, body io.Reader) response {
	s.t.Helper()
	r := httptest.NewRequestWithContext(s.t.Context(), method, path, body)
	if body != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.RemoteAddr = s.addr
	if s.host != nil {
		r.Host = *s.host
	}
	for name, values := range s.header {
		r.Header[name] = values
	}
	for name, value := range s.cookie {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w := httptest.NewRecorder()
	s.server.Handler().ServeHTTP(w, r)
	res := w.Result()
	for _, cookie := range res.Cookies() {
		if cookie.MaxAge < 0 {
			delete(s.cookie, cookie.Name)
		} else {
			s.cookie[cookie.Name] = cookie.Value
		}
	}
	text := w.Body.String()
	root, err := html.Parse(strings.NewReader(text))
	if err != nil {
		s.t.Fatal(err)
	}
	return response{s.t, res.StatusCode, res.Header, text, root}
}

// wants checks the status, and that the page's text contains each of the parts.
func (a response) wants(status int, parts ...string) response {
	a.t.Helper()
	if a.Status != status {
		a.t.Fatalf("status %d, want %d\n%s", a.Status, status, a.text())
	}
	text := a.text()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			a.t.Errorf("%q is not on the page:\n%s", part, text)
		}
	}
	return a
}

// leadsTo checks that the answer is a redirect to path.
func (a response) leadsTo(path string) {
	a.t.Helper()
	a.wants(http.StatusSeeOther)
	if got := a.Header.Get("Location"); got != path {
		a.t.Errorf("it leads to %s, want %s", got, path)
	}
}

// text returns the text of the page, single-spaced.
func (a response) text() string {
	var words []string
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.ElementNode && (n.Data == "script" || n.Data == "style" || n.Data == "head") {
			return
		}
		if n.Type == html.TextNode {
			words = append(words, strings.Fields(n.Data)...)
		}
		for child := range n.ChildNodes() {
			walk(child)
		}
	}
	walk(a.root)
	return strings.Join(words, " ")
}

// value returns the value of the named input. ok is false if there is no such input.
func (a response) value(name string) (value string, ok bool) {
	for n := range a.root.Descendants() {
		if n.Type == html.ElementNode && n.Data == "input" && attr(n, "name") == name {
			return attr(n, "value"), true
		}
	}
	return "", false
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// email returns an address for name that no other test uses, because concurrent transactions with the same address would block
// each other.
func (s *testSite) email(name string) string {
	host, _, _ := strings.Cut(s.addr, ":")
	return strings.ToLower(strings.ReplaceAll(name, " ", ".")) + "@" + host + ".example"
}

// signUp creates an account, signs the client in and returns the reader's id.
func (s *testSite) signUp(name string) int64 {
	s.t.Helper()
	email := s.email(name)
	s.post("/signup", url.Values{"name": {name}, "email": {email}, "password": {"a long password"}}).leadsTo("/")
	var id int64
	if err := s.tx.QueryRow(s.t.Context(), "select id from reader where email = $1", email).Scan(&id); err != nil {
		s.t.Fatal(err)
	}
	return id
}

// book inserts a book and returns its id.
func (s *testSite) book(title string) (id int64) {
	s.t.Helper()
	if err := s.tx.QueryRow(s.t.Context(), "insert into book (title) values ($1) returning id", title).Scan(&id); err != nil {
		s.t.Fatal(err)
	}
	return id
}

func (s *testSite) count(sql string, args ...any) (n int) {
	s.t.Helper()
	if err := s.tx.QueryRow(s.t.Context(), sql, args...).Scan(&n); err != nil {
		s.t.Fatal(err)
	}
	return n
}
