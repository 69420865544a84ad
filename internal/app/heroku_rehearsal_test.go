package app

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/testdb"
)

// slug builds the program as the platform does, and checks that it needs only tracked files. Therefore it can be built here,
// where nearly all of it is compiled already.
func slug(t *testing.T) (bin string) {
	t.Helper()
	// The checkout may belong to another user, as on CI. Reading it is safe.
	list, err := exec.Command("git", "-c", "safe.directory=*", "-C", root, "ls-files", "-z").Output()
	if err != nil {
		lacking(t, "a git checkout, to know which files are tracked")
	}
	command := func(args ...string) []byte {
		cmd := exec.Command("go", args...)
		cmd.Dir = root
		cmd.Env = append(os.Environ(), "GOFLAGS=-mod=readonly -buildvcs=false", "GOTOOLCHAIN=local") // the platform has no git either
		var said bytes.Buffer
		cmd.Stderr = &said
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("go %s: %v\n%s", args[0], err, said.String())
		}
		return out
	}
	const files = `{{if and .Module .Module.Main}}{{$dir := .Dir}}{{range .GoFiles}}{{$dir}}/{{.}}
{{end}}{{range .EmbedFiles}}{{$dir}}/{{.}}
{{end}}{{end}}`
	checkout, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	tracked := strings.Split(string(list), "\x00")
	needed := append(strings.Fields(string(command("list", "-tags", "heroku", "-deps", "-f", files, "./cmd/backlist"))), filepath.Join(checkout, "go.mod"), filepath.Join(checkout, "go.sum"))
	if len(needed) < 200 {
		t.Errorf("the program has only %d files", len(needed))
	}
	for _, file := range needed {
		if name, err := filepath.Rel(checkout, file); err != nil || !slices.Contains(tracked, filepath.ToSlash(name)) {
			t.Errorf("the program needs %s, which is not tracked", file)
		}
	}
	bin = t.TempDir()
	command("build", "-tags", "heroku", "-o", filepath.Join(bin, "backlist"), "./cmd/backlist")
	return bin
}

// herokuApp is an app on the platform: its slug, config vars, database and the dynos that it has started.
type herokuApp struct {
	t      *testing.T
	bin    string
	types  map[string]string
	config []string
	role   string
	tls    *tlsFront
	admin  *pgxpool.Pool // sees everything on the server
	dynos  []*process
	mu     sync.Mutex
}

// appHost is the app's public host name.
const appHost = "backlist-rehearsal-1234.example.com"

// newHerokuApp provisions a database like that of the smallest plan: its role has no right but to own it, connections are
// limited, and TLS is required.
func newHerokuApp(t *testing.T, limit int) *herokuApp {
	t.Helper()
	a := &herokuApp{t: t, types: readProcfile(t)}
	a.admin = openPool(t, testdb.NewEmptyURL(t))
	a.role = "u" + strings.ToLower(rand.Text()[:12])
	password := "p" + strings.ToLower(rand.Text())
	exec := func(pool *pgxpool.Pool, sql string) {
		t.Helper()
		_, err := pool.Exec(t.Context(), sql)
		if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok && pgErr.Code == "42501" {
			lacking(t, "a superuser on the test server, to make a role without rights")
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	exec(a.admin, fmt.Sprintf(`create role %s login nosuperuser nocreaterole nocreatedb connection limit %d password '%s'`, a.role, limit, password))
	t.Cleanup(func() {
		if !t.Failed() { // a failed test's database is kept
			_, _ = a.admin.Exec(context.WithoutCancel(t.Context()), "drop role "+a.role)
		}
	})
	owned := testdb.NewEmptyURL(t)
	u, err := url.Parse(owned)
	if err != nil {
		t.Fatal(err)
	}
	exec(a.admin, "alter database "+pgx.Identifier{strings.TrimPrefix(u.Path, "/")}.Sanitize()+" owner to "+a.role)
	a.tls = newTLSFront(t, u.Host)
	u.User, u.Host, u.RawQuery = url.UserPassword(a.role, password), a.tls.host+":"+a.tls.port, ""
	if a.tls.sslmode != "" {
		u.RawQuery = "sslmode=" + a.tls.sslmode
	}
	a.config = []string{"DATABASE_URL=" + u.String()}
	for name, s := range readManifest(t).Env {
		switch {
		case s.Generator == "secret":
			a.config = append(a.config, name+"="+strings.ToLower(rand.Text()+rand.Text()))
		case s.Value != nil:
			a.config = append(a.config, name+"="+*s.Value)
		}
	}
	return a
}

// dyno starts a process as the platform does, from a shell line, with only the config vars and, for web, PORT.
func (a *herokuApp) dyno(name, line string) *process {
	a.t.Helper()
	cmd := exec.Command("/bin/sh", "-c", "exec "+line)
	cmd.Dir = a.t.TempDir()
	cmd.Env = append([]string{"PATH=" + a.bin + ":/usr/bin:/bin", "HOME=" + cmd.Dir, "DYNO=" + name}, a.config...)
	if strings.HasPrefix(name, "web.") {
		cmd.Env = append(cmd.Env, "PORT=0") // the platform chooses the port; here the kernel does
	}
	p := runProgram(a.t, cmd)
	a.mu.Lock()
	a.dynos = append(a.dynos, p)
	a.mu.Unlock()
	return p
}

// up starts a dyno of the formation, and waits until it is ready.
func (a *herokuApp) up(name string) *process {
	a.t.Helper()
	kind, _, _ := strings.Cut(name, ".")
	p := a.dyno(name, a.types[kind])
	ready := p.waitFor(readyLine)
	if port := regexp.MustCompile(`addr=\S*:(\d+)`).FindStringSubmatch(ready); port != nil {
		p.URL = "http://127.0.0.1:" + port[1]
	}
	return p
}

// oneOff runs a command to its end.
func (a *herokuApp) oneOff(name, line string) string {
	a.t.Helper()
	return finished(a.t, a.dyno(name, line))
}

// visit returns a caller whose requests look as if they had passed the platform's router.
func (a *herokuApp) visit(base func() string) *caller {
	v := newCaller("")
	v.base, v.host = base, appHost
	v.header.Set("X-Forwarded-Proto", "https")
	v.header.Set("X-Forwarded-For", "203.0.113.7")
	v.header.Set("X-Forwarded-Port", "443")
	v.header.Set("X-Request-Id", "01234567-89ab-cdef-0123-456789abcdef")
	v.header.Set("Via", "1.1 heroku-router")
	return v
}

// connections returns the number of the role's connections.
func (a *herokuApp) connections() int {
	a.t.Helper()
	return valueOf[int](a.t, a.admin, "select count(*) from pg_stat_activity where usename = $1", a.role)
}

// TestHerokuRehearsal plays the life of a deployment: build, release, postdeploy, first visitor, and a deploy during which
// both generations run.
func TestHerokuRehearsal(t *testing.T) {
	t.Parallel()
	a := newHerokuApp(t, 20)
	a.bin = slug(t)
	a.oneOff("release.1", a.types["release"])
	a.oneOff("scheduler.1", readManifest(t).Scripts["postdeploy"])
	db := a.databaseOfApp()
	if n := valueOf[int](t, db, "select count(*) from book"); n < 300 {
		t.Errorf("postdeploy loaded %d books", n)
	}
	if n := valueOf[int](t, db, "select count(*) from reader"); n != 0 {
		t.Errorf("postdeploy invented %d readers", n)
	}

	first := a.up("web.1")
	a.up("worker.1")
	a.up("worker.2")
	var current atomic.Pointer[string]
	current.Store(&first.URL)
	base := func() string { return *current.Load() }
	odo := a.visit(base)
	secrets := a.firstVisit(odo)

	// A deploy runs the release phase beside the old dynos, then the new dynos while the old ones still work.
	a.oneOff("release.2", a.types["release"])
	second := a.up("web.1")
	a.up("worker.1")
	a.up("worker.2")
	old := a.generation(0)
	most := a.busyBoth(first.URL, second.URL, odo)
	if most > 18 {
		t.Errorf("both generations took %d connections; two of 20 should be left", most)
	}
	t.Logf("both generations at work: %d connections of 20", most)
	a.oneOff("run.1", `backlist psql -- -Atc "select 'works'"`) // the two that are left suffice for an operator
	current.Store(&second.URL)
	for _, p := range old {
		p.tell(syscall.SIGTERM)
	}
	for _, p := range old {
		p.exits()
	}
	odo.must(t, http.StatusOK, "/recommendations", nil)

	a.oneOff("run.2", "backlist operator add odo@example.org")
	link := regexp.MustCompile(`https://\S+/reset/(\S+)`).FindStringSubmatch(a.oneOff("run.3", "backlist reader reset odo@example.org"))
	if link == nil || !strings.HasPrefix(link[0], "https://"+appHost+"/") {
		t.Fatalf("the reset link is %v", link)
	}
	a.visit(base).must(t, http.StatusOK, "/reset/"+link[1], nil)
	secrets["reset token"] = link[1]
	for _, p := range a.generation(1) {
		p.tell(syscall.SIGTERM)
		p.exits()
	}
	if a.tls.plain.Load() != 0 || a.tls.secure.Load() == 0 {
		t.Errorf("%d connections without TLS, %d with", a.tls.plain.Load(), a.tls.secure.Load())
	}
	a.checkLogs(secrets)
}

// databaseOfApp returns a pool by which the test reads the app's database.
func (a *herokuApp) databaseOfApp() *pgxpool.Pool {
	a.t.Helper()
	u, err := url.Parse(strings.TrimPrefix(a.config[0], "DATABASE_URL="))
	if err != nil {
		a.t.Fatal(err)
	}
	cfg := a.admin.Config()
	cfg.ConnConfig.Database = strings.TrimPrefix(u.Path, "/")
	pool, err := pgxpool.NewWithConfig(a.t.Context(), cfg)
	if err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(pool.Close)
	return pool
}

// firstVisit is the first reader's visit. It returns the secrets that no log may contain.
func (a *herokuApp) firstVisit(odo *caller) map[string]string {
	t := a.t
	t.Helper()
	plain := a.visit(odo.base)
	plain.header.Set("X-Forwarded-Proto", "http")
	if to := plain.must(t, http.StatusPermanentRedirect, "/books?q=emma", nil).Header.Get("Location"); to != "https://"+appHost+"/books?q=emma" {
		t.Errorf("plain HTTP leads to %q", to)
	}
	page := odo.must(t, http.StatusOK, "/signup", nil)
	if page.Header.Get("Strict-Transport-Security") == "" || page.Header.Get("X-Request-Id") != odo.header.Get("X-Request-Id") {
		t.Errorf("headers %v", page.Header)
	}
	odo.signUp(t, "Odo", "odo@example.org")
	for _, c := range odo.set {
		if !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode {
			t.Errorf("cookie %s: Secure %t, HttpOnly %t, SameSite %d", c.Name, c.Secure, c.HttpOnly, c.SameSite)
		}
	}
	var letter string
	until(t, "the welcome mail is in the mailbox", func() bool {
		box := odo.must(t, http.StatusOK, "/mailbox", nil)
		link := regexp.MustCompile(`href="(/mailbox/\d+)"`).FindStringSubmatch(box.body)
		if link == nil {
			return false
		}
		letter = odo.must(t, http.StatusOK, link[1], nil).body
		return strings.Contains(letter, "Dear Odo")
	})
	if !strings.Contains(letter, "https://"+appHost+"/books") {
		t.Errorf("the welcome mail leads elsewhere: %s", wordsOf(letter))
	}
	for id := range 4 {
		odo.must(t, http.StatusSeeOther, fmt.Sprintf("/books/%d/rating", id+1), fields("stars", "4.5"))
	}
	a.visit(odo.base).must(t, http.StatusSeeOther, "/forgot", fields("email", "odo@example.org"))
	a.visit(odo.base).must(t, http.StatusUnprocessableEntity, "/signin", fields("email", "odo@example.org", "password", "a wrong guess it is"))
	u, _ := url.Parse(strings.TrimPrefix(a.config[0], "DATABASE_URL="))
	inURL, _ := u.User.Password()
	secrets := map[string]string{
		"password": callersPassword, "wrong password": "a wrong guess it is", "e-mail address": "odo@example.org",
		"session token": odo.cookies["__Host-backlist"], "database password": inURL,
	}
	for _, pair := range a.config[1:] {
		name, value, _ := strings.Cut(pair, "=")
		secrets[name] = value
	}
	return secrets
}

// generation returns the dynos of the formation that were started before the first deploy (0) or after it (1).
func (a *herokuApp) generation(n int) []*process {
	var long []*process
	for _, p := range a.dynos {
		if readyLine.MatchString(p.output()) {
			long = append(long, p)
		}
	}
	return long[3*n : 3*n+3]
}

// busyBoth keeps all processes of both generations busy until every pool is full, and returns the highest number of
// connections.
func (a *herokuApp) busyBoth(first, second string, odo *caller) (most int) {
	a.t.Helper()
	ctx, cancel := context.WithCancel(a.t.Context())
	defer cancel()
	var work sync.WaitGroup
	var wrong atomic.Int64
	for i := range 12 {
		base := []string{first, second}[i%2]
		v := a.visit(func() string { return base })
		v.cookies["__Host-backlist"] = odo.cookies["__Host-backlist"]
		work.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				res, err := v.ask(a.t.Context(), fmt.Sprintf("/books/%d/rating", 1+(n+i)%300), fields("stars", "3"))
				if err != nil || res.StatusCode != http.StatusSeeOther {
					wrong.Add(1)
				}
			}
		})
	}
	const enough = 2 * time.Second // pools grow with the load, and give no signal when they are full
	for end := time.Now().Add(enough); time.Now().Before(end); {
		most = max(most, a.connections())
	}
	cancel()
	work.Wait()
	if wrong.Load() > 0 {
		a.t.Errorf("%d requests failed while both generations ran", wrong.Load())
	}
	return most
}

var (
	logfmtLine = regexp.MustCompile(`^(?:[\w.]+=(?:"(?:[^"\\]|\\.)*"|[^\s"=]*)(?: |$))+$`)
	timeKey    = regexp.MustCompile(`(?:^| )time=`)
)

// checkLogs checks the output of all dynos: it is logfmt without the time, which the platform adds, and has no secrets.
func (a *herokuApp) checkLogs(secrets map[string]string) {
	t := a.t
	t.Helper()
	lines := 0
	for _, p := range a.dynos {
		out := p.output()
		for what, secret := range secrets {
			if what == "reset token" && strings.Contains(p.cmd.String(), "reader reset") || what == "e-mail address" && strings.Contains(p.cmd.String(), "operator add") {
				continue // the user at the terminal asked for it
			}
			if secret == "" || strings.Contains(out, secret) {
				t.Errorf("%s: the output contains the %s, or that is empty", p.cmd, what)
			}
		}
		if strings.Contains(p.cmd.String(), "backlist operator") || strings.Contains(p.cmd.String(), "backlist reader") || strings.Contains(p.cmd.String(), "backlist psql") {
			continue
		}
		for line := range strings.Lines(out) {
			line = strings.TrimRight(line, "\n")
			lines++
			if !logfmtLine.MatchString(line) || timeKey.MatchString(line) || len(line) > 10_000 {
				t.Errorf("%s: not a valid log line on Heroku: %.300q", p.cmd, line)
			}
		}
	}
	if lines < 50 {
		t.Errorf("only %d lines of log", lines)
	}
}

// TestTooFewConnections: processes refuse a database with too few connections for the formation, and wait for one whose
// connections are all taken.
func TestTooFewConnections(t *testing.T) {
	t.Parallel()
	small := newHerokuApp(t, 12)
	full := newHerokuApp(t, 20)
	for _, a := range []*herokuApp{small, full} {
		a.bin = programNamedBacklist(t)
		a.config = append(a.config, asProgram+"=1")
		a.oneOff("release.1", a.types["release"])
	}
	for _, kind := range []string{"web", "worker"} {
		out, err := outcome(t, small.dyno(kind+".1", small.types[kind]))
		if err == nil || !strings.Contains(out, "the database allows 12 connections; Backlist needs at least 20") {
			t.Errorf("%s with 12 connections: %v\n%s", kind, err, out)
		}
	}

	// Twenty other clients hold all connections. A process that starts now logs that it waits, and continues when one is free.
	cfg, err := pgxpool.ParseConfig(strings.TrimPrefix(full.config[0], "DATABASE_URL="))
	if err != nil {
		t.Fatal(err)
	}
	if cfg.ConnConfig.TLSConfig == nil || full.tls.sslmode == "" {
		cfg.ConnConfig.Host, cfg.ConnConfig.Port = full.admin.Config().ConnConfig.Host, full.admin.Config().ConnConfig.Port
		cfg.ConnConfig.TLSConfig, cfg.ConnConfig.Fallbacks = nil, nil
	}
	var others []*pgx.Conn
	for range 20 {
		conn, err := pgx.ConnectConfig(t.Context(), cfg.ConnConfig)
		if err != nil {
			t.Fatal(err)
		}
		others = append(others, conn)
	}
	web := full.dyno("web.1", full.types["web"])
	line := web.waitFor(regexp.MustCompile(`no connection left`))
	if !logfmtLine.MatchString(line) {
		t.Errorf("not a valid log line: %q", line)
	}
	worker := full.dyno("worker.1", full.types["worker"])
	worker.waitFor(regexp.MustCompile(`no connection left`))
	worker.tell(syscall.SIGTERM) // a stop while it waits is not a failure
	worker.exits()
	for _, conn := range others {
		if err := conn.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
	web.waitFor(readyLine)
}

// programNamedBacklist returns a folder that has the test binary under the program's name.
func programNamedBacklist(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(self, filepath.Join(dir, "backlist")); err != nil {
		t.Fatal(err)
	}
	return dir
}
