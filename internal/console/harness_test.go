package console_test

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/console"
	"github.com/backlist/backlist/internal/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// people is an Identity whose person a test sets.
type people struct {
	mu        sync.Mutex
	person    console.Person
	confirmed *console.Person // in an act's transaction, if it has changed since
}

func (p *people) set(change func(*console.Person)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(&p.person)
}

func (p *people) Person(context.Context, *http.Request) (console.Person, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.person, nil
}

func (p *people) Confirm(ctx context.Context, _ pgx.Tx, r *http.Request) (console.Person, error) {
	if p.confirmed != nil {
		return *p.confirmed, nil
	}
	return p.Person(ctx, r)
}

func (p *people) SignIn(next string) string { return "/signin?next=" + url.QueryEscape(next) }

func (p *people) Renew(_ http.ResponseWriter, _ *http.Request, password string) error {
	if password != "the password" {
		return console.ErrPassword
	}
	p.set(func(person *console.Person) { person.SignedIn = time.Now() })
	return nil
}

// site is a console on a database of its own, with an operator who has just signed in.
type site struct {
	t      *testing.T
	pool   *pgxpool.Pool
	people *people
	server *console.Server
	router chi.Router
	http   *httptest.Server
}

func newSite(t *testing.T) *site {
	t.Helper()
	return newSiteOn(t, testdb.New(t))
}

func newSiteOn(t *testing.T, pool *pgxpool.Pool) *site {
	t.Helper()
	s := &site{t: t, pool: pool, people: &people{person: console.Person{
		ID: "1", Name: "ann@example.com", Role: console.Operator, SignedIn: time.Now(),
	}}}
	s.server = console.New(console.Config{
		Pool: s.pool, Identity: s.people, Release: "v1", RequestTime: time.Minute,
		Log:      slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError})),
		NotFound: http.NotFoundHandler(),
	})
	s.router = chi.NewRouter()
	s.server.Mount(s.router)
	s.http = httptest.NewServer(s.router)
	t.Cleanup(func() {
		s.server.Close()
		s.http.Close()
	})
	return s
}

// open opens the stream of a page. await reads it until an event has the text; it returns false if the stream ends before.
func (s *site) open(path string) (await func(text string) bool) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.http.URL+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	response, err := s.http.Client().Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { response.Body.Close() })
	lines := bufio.NewScanner(response.Body)
	return func(text string) bool {
		for lines.Scan() {
			if strings.Contains(lines.Text(), text) {
				return true
			}
		}
		return false
	}
}

// exec runs SQL that sets up a test.
func (s *site) exec(sql string, args ...any) {
	s.t.Helper()
	if _, err := s.pool.Exec(s.t.Context(), sql, args...); err != nil {
		s.t.Fatalf("%s: %v", sql, err)
	}
}

// one returns the one value of a query.
func one[T any](s *site, sql string, args ...any) (value T) {
	s.t.Helper()
	if err := s.pool.QueryRow(s.t.Context(), sql, args...).Scan(&value); err != nil {
		s.t.Fatalf("%s: %v", sql, err)
	}
	return value
}

func (s *site) get(path string) (int, string) { return s.do(http.MethodGet, path, nil, nil) }

// post sends a form and returns the answer of the page to which it leads.
func (s *site) post(path string, form url.Values) (int, string) {
	return s.do(http.MethodPost, path, form, nil)
}

// send is post with headers, as another site's page would cause them.
func (s *site) send(path string, form url.Values, header http.Header) (int, string) {
	return s.do(http.MethodPost, path, form, header)
}

func (s *site) do(method, path string, form url.Values, header http.Header) (status int, body string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.http.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		s.t.Fatal(err)
	}
	maps.Copy(r.Header, header)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	response, err := s.http.Client().Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return response.StatusCode, string(text)
}
