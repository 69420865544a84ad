package app

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

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
