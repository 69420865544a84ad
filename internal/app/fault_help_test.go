package app

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/reader"
	"github.com/backlist/backlist/internal/relay"
)

// lacking skips a test that needs something this machine lacks. On CI, which must have everything, it fails the test.
func lacking(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("BACKLIST_CI") != "" {
		t.Fatalf("this machine lacks what this test needs: %s", what)
	}
	t.Skipf("this machine lacks what this test needs: %s", what)
}

// caller is an HTTP client that keeps cookies, including Secure ones over the plain HTTP of the tests, and follows no
// redirects. One goroutine may use it at a time.
type caller struct {
	base    func() string
	header  http.Header
	host    string // sent instead of the URL's host
	client  *http.Client
	cookies map[string]string
	set     []*http.Cookie // all cookies that answers set, in order
}

func newCaller(base string) *caller {
	return &caller{
		base: func() string { return base }, header: http.Header{}, cookies: map[string]string{},
		client: &http.Client{
			Timeout:       patience,
			Transport:     &http.Transport{DisableKeepAlives: true}, // a new connection for each request, so that the transport retries none
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// answer is a response and its body.
type answer struct {
	*http.Response
	body string
}

// ask sends form, or gets the page if form is nil.
func (v *caller) ask(ctx context.Context, path string, form url.Values) (answer, error) {
	method, body := http.MethodGet, io.Reader(nil)
	if form != nil {
		method, body = http.MethodPost, strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(ctx, method, v.base()+path, body)
	if err != nil {
		return answer{}, err
	}
	req.Header = v.header.Clone()
	req.Host = v.host
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range v.cookies {
		req.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	res, err := v.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return answer{}, err
	}
	for _, c := range res.Cookies() {
		v.set = append(v.set, c)
		if v.cookies[c.Name] = c.Value; c.MaxAge < 0 {
			delete(v.cookies, c.Name)
		}
	}
	return answer{res, string(text)}, nil
}

// must is like ask, and ends the test if the answer has another status. It repeats a request that is answered with 503, as
// the page advises, because the machine may be busy.
func (v *caller) must(t *testing.T, status int, path string, form url.Values) answer {
	t.Helper()
	a, err := v.ask(t.Context(), path, form)
	for began := time.Now(); err == nil && a.StatusCode == http.StatusServiceUnavailable && status != a.StatusCode && time.Since(began) < patience; {
		t.Logf("%s: %s", path, a.Status)
		a, err = v.ask(t.Context(), path, form)
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	if a.StatusCode != status {
		t.Fatalf("%s: %s, not %d: %.400s", path, a.Status, status, wordsOf(a.body))
	}
	return a
}

// wordsOf returns the text of a page without its markup.
func wordsOf(markup string) string {
	if _, main, ok := strings.Cut(markup, "<main"); ok {
		markup = main
	}
	return strings.Join(strings.Fields(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(markup, " ")), " ")
}

const callersPassword = "correct horse battery staple"

// signUp creates an account.
func (v *caller) signUp(t *testing.T, name, email string) {
	t.Helper()
	v.must(t, http.StatusSeeOther, "/signup", url.Values{"name": {name}, "email": {email}, "password": {callersPassword}})
}

// openPool returns a pool by which a test reads a database.
func openPool(t *testing.T, databaseURL string) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// valueOf returns the one value of a query's result.
func valueOf[T any](t *testing.T, pool *pgxpool.Pool, sql string, args ...any) (v T) {
	t.Helper()
	if err := pool.QueryRow(t.Context(), sql, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}

// eventually waits until a boolean query returns true. An error counts as false.
func eventually(t *testing.T, pool *pgxpool.Pool, what, sql string, args ...any) {
	t.Helper()
	until(t, what, func() (ok bool) {
		return pool.QueryRow(t.Context(), sql, args...).Scan(&ok) == nil && ok
	})
}

// until polls a condition until it holds, and returns the time that it took.
func until(t *testing.T, what string, condition func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		if time.Since(began) > patience {
			t.Fatalf("not within %s: %s", patience, what)
		}
		<-tick.C
	}
	return time.Since(began)
}

// holding runs sql, which locks rows or tables, in a transaction that stays open until the returned function is called.
func holding(t *testing.T, databaseURL, sql string, args ...any) (release func()) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	conn, err := pgx.Connect(ctx, databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	release = sync.OnceFunc(func() { _ = conn.Close(ctx) })
	t.Cleanup(release)
	if _, err := conn.Exec(ctx, "begin"); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(ctx, sql, args...); err != nil {
		t.Fatal(err)
	}
	return release
}

// waiters is a query that counts the backends of the database that wait for a lock.
const waiters = `select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`

// newReaders creates accounts that have no usable password, with a signed-in caller of base for each.
func newReaders(t *testing.T, pool *pgxpool.Pool, base func() string, n int) map[int64]*caller {
	t.Helper()
	visitors := map[int64]*caller{}
	shared := newCaller("").client
	err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		rows, _ := tx.Query(t.Context(), `
			insert into reader (email, email_key, name, password_hash)
			select e, e, 'Reader ' || i, 'none' from generate_series(1, $1::int) i, concat('fault', i, '@example.org') e
			returning id`, n)
		ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		if err != nil {
			return err
		}
		for _, id := range ids {
			token, err := reader.StartSession(t.Context(), tx, id)
			if err != nil {
				return err
			}
			v := newCaller("")
			v.base, v.client, v.cookies["__Host-backlist"] = base, shared, token
			visitors[id] = v
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return visitors
}

// catalogued loads the catalogue into a database without readers, and returns a pool on it.
func catalogued(t *testing.T, databaseURL string) *pgxpool.Pool {
	t.Helper()
	finished(t, launch(t, databaseURL, nil, "seed"))
	return openPool(t, databaseURL)
}

// finished waits for a command, which must succeed, and returns its output.
func finished(t *testing.T, p *process) string {
	t.Helper()
	out, err := outcome(t, p)
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(p.cmd.Args[1:], " "), err, out)
	}
	return out
}

// outcome waits for a command to end, and returns its output and exit error.
func outcome(t *testing.T, p *process) (string, error) {
	t.Helper()
	select {
	case <-p.done:
	case <-time.After(patience):
		t.Fatalf("%s has not ended within %s:\n%s", strings.Join(p.cmd.Args[1:], " "), patience, p.output())
	}
	for range p.line { // until all output has been read
	}
	return p.output(), p.err
}

// output returns everything that the process has written so far.
func (p *process) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.log, "\n")
}

// exits checks that a process that was told to stop exits with code 0 before a platform would kill it, and returns the time
// that it took.
func (p *process) exits() time.Duration {
	p.t.Helper()
	return p.exitsWithin(stopLimit)
}

// exitsWithin checks that a process that was told to stop exits with code 0 in time, and returns the time that it took.
func (p *process) exitsWithin(limit time.Duration) time.Duration {
	p.t.Helper()
	began := time.Now()
	select {
	case <-p.done:
	case <-time.After(limit):
		p.t.Fatalf("%s still runs %s after it was told to stop", p.cmd.Args[1], limit)
	}
	if p.err != nil {
		p.t.Errorf("%s ended with %v", p.cmd.Args[1], p.err)
	}
	return time.Since(began)
}

// tell sends a signal to the process.
func (p *process) tell(signal os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(signal); err != nil {
		p.t.Fatal(err)
	}
}

// runProgram starts any program. Like a process of launch, it is killed when the test ends.
func runProgram(t *testing.T, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{t: t, cmd: cmd, line: make(chan string, 10_000), done: make(chan struct{})}
	out, in := io.Pipe()
	cmd.Stdout, cmd.Stderr = in, in
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go p.read(out)
	go func() {
		p.err = cmd.Wait()
		in.Close()
		close(p.done)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-p.done
		if t.Failed() {
			t.Logf("%s:\n%s", strings.Join(cmd.Args, " "), p.output())
		}
	})
	return p
}

// newRelay starts a relay to target that ends with the test.
func newRelay(t *testing.T, target string) *relay.Relay {
	t.Helper()
	r, err := relay.New("127.0.0.1:0", target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// hostOf returns the host and port of a URL.
func hostOf(t *testing.T, raw string) string {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		t.Fatalf("%q has no host: %v", raw, err)
	}
	return u.Host
}

// fields returns a form with the given pairs of names and values.
func fields(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v
}

// bookPath returns a path below a book's page.
func bookPath(id int64, rest string) string { return fmt.Sprintf("/books/%d/%s", id, rest) }
