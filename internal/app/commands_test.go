package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/backlist/backlist/internal/pglocal"
	"github.com/backlist/backlist/internal/testdb"
)

// inProcess runs a command in this process, with env as its whole environment.
func inProcess(t *testing.T, env map[string]string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	var out, errs bytes.Buffer
	err = Run(t.Context(), Env{
		Args: args, Getenv: func(name string) string { return env[name] },
		Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs,
	})
	return out.String(), errs.String(), err
}

// TestUsageErrors: a mistyped command ends with one sentence, before it connects to a database.
func TestUsageErrors(t *testing.T) {
	t.Parallel()
	const elsewhere = "postgres://odo@127.0.0.1:1/none" // connecting to it would give another error
	for _, c := range []struct {
		args string
		env  map[string]string
		want string
	}{
		{"frobnicate", nil, `unknown command "frobnicate"`},
		{"operator", nil, `unknown command "operator"`},
		{"operator remove", nil, "usage: backlist operator remove EMAIL"},
		{"operator list all", nil, `backlist operator list takes no arguments, but got "all"`},
		{"operator add a@example.org --role admin", nil, `"admin" is not a role: use --role viewer or --role operator`},
		{"operator add", nil, "usage: backlist operator add EMAIL"},
		{"operator add a@example.org b@example.org", nil, "usage: backlist operator add EMAIL"},
		{"reader reset", nil, "usage: backlist reader reset EMAIL"},
		{"web --frob", nil, "see: backlist help"},
		{"web extra", nil, `backlist web takes no arguments, but got "extra"`},
		{"worker 3", nil, `backlist worker takes no arguments, but got "3"`},
		{"migrate down", nil, `backlist migrate takes no arguments, but got "down"`},
		{"seed demo", nil, `backlist seed takes no arguments, but got "demo"`},
		{"dev now", nil, `backlist dev takes no arguments, but got "now"`},
		{"config all", nil, `backlist config takes no arguments, but got "all"`},
		{"web", nil, "SECRET_KEY is not set: web and worker need the same random text of at least 16 characters"},
		{"worker", nil, "SECRET_KEY is not set: web and worker need the same random text of at least 16 characters"},
		{"web", map[string]string{"SECRET_KEY": "short"}, "invalid configuration:\nSECRET_KEY must have at least 16 characters"},
		{
			"web",
			map[string]string{"PORT": "http", "LOG_FORMAT": "xml", "SMTP_URL": "mail.example.org"},
			"invalid configuration:\nPORT must be a number from 0 to 65535, not \"http\"\n" +
				"SMTP_URL must be a URL that begins with smtp:// or smtps://\nLOG_FORMAT must be logfmt or json, not \"xml\"",
		},
	} {
		env := map[string]string{"DATABASE_URL": elsewhere}
		for name, value := range c.env {
			env[name] = value
		}
		stdout, _, err := inProcess(t, env, strings.Fields(c.args)...)
		if err == nil || err.Error() != c.want {
			t.Errorf("backlist %s: %v\nwant %s", c.args, err, c.want)
		}
		if stdout != "" {
			t.Errorf("backlist %s wrote %q to standard output", c.args, stdout)
		}
	}
	for _, args := range [][]string{nil, {"help"}, {"--help"}, {"-h"}} {
		stdout, _, err := inProcess(t, nil, args...)
		if err != nil || !strings.Contains(stdout, "Usage: backlist COMMAND") || !strings.Contains(stdout, "reader reset EMAIL") {
			t.Errorf("backlist %v: %v, %q", args, err, stdout)
		}
	}
	_, stderr, err := inProcess(t, nil, "seed", "--help")
	if err != nil || !strings.Contains(stderr, "-demo") || !strings.Contains(stderr, "-data folder") {
		t.Errorf("backlist seed --help: %v, %q", err, stderr)
	}
}

// TestUnreachableDatabase: the error contains neither the password nor the URL.
func TestUnreachableDatabase(t *testing.T) {
	t.Parallel()
	env := map[string]string{"DATABASE_URL": "postgres://odo:s3cr3t-pass@127.0.0.1:1/none", "SECRET_KEY": "a secret only for tests", "PORT": "0"}
	for _, args := range []string{"web", "worker", "migrate", "seed", "operator add odo@example.org", "operator list", "reader reset odo@example.org"} {
		stdout, stderr, err := inProcess(t, env, strings.Fields(args)...)
		if err == nil || strings.Contains(err.Error()+stdout+stderr, "s3cr3t-pass") {
			t.Errorf("backlist %s: %v %s%s", args, err, stdout, stderr)
		}
	}
}

// TestUnusableDatabaseSettings: the error names the setting that pgx refuses, and does not repeat the URL.
func TestUnusableDatabaseSettings(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"sslmode=perhaps":                 "sslmode is invalid",
		"connect_timeout=soon":            `parsing "soon"`,
		"pool_max_conns=many":             `parsing "many"`,
		"sslmode=verify-ca&sslrootcert=/": "unable to read CA file",
		"target_session_attrs=any-one":    "a setting that cannot be used",
		"default_query_exec_mode=guess":   "a setting that cannot be used",
	} {
		env := map[string]string{"DATABASE_URL": "postgres://odo:s3cr3t-pass@127.0.0.1:1/none?password=s3cr3t-pass&" + query, "SECRET_KEY": "a secret only for tests"}
		for _, args := range []string{"migrate", "doctor"} {
			stdout, stderr, err := inProcess(t, env, args)
			if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "DATABASE_URL") {
				t.Errorf("backlist %s with %s: %v, want %q", args, query, err, want)
			}
			if err != nil && strings.Contains(err.Error()+stdout+stderr, "s3cr3t-pass") {
				t.Errorf("backlist %s with %s shows the password: %v %s%s", args, query, err, stdout, stderr)
			}
		}
	}
}

// TestPsqlArguments: the password is not among psql's arguments, which every user of the machine can read.
func TestPsqlArguments(t *testing.T) {
	t.Parallel()
	for databaseURL, want := range map[string][2]string{
		"postgres://odo:p%40ss%2Fw@localhost/d?sslmode=no":   {"postgres://odo@localhost/d?sslmode=no", "p@ss/w"},
		"postgres://odo@localhost/d":                         {"postgres://odo@localhost/d", ""},
		"postgres:///d?host=/tmp":                            {"postgres:///d?host=/tmp", ""},
		"postgres://odo@localhost/d?a=b&password=p%40ss":     {"postgres://odo@localhost/d?a=b", "p@ss"},
		"postgres://odo:over@localhost/d?password=ruled":     {"postgres://odo@localhost/d", "ruled"},
		"postgres://odo@localhost/d?sslpassword=p%40ss&a=b":  {"", ""},
		"postgres://odo@localhost/d?password=a&sslpassword=": {"", ""},
	} {
		public, password, err := withoutPassword(databaseURL)
		if public != want[0] || password != want[1] || (err != nil) != (want[0] == "") {
			t.Errorf("%s: %q and %q, %v, want %q", databaseURL, public, password, err, want)
		}
	}
}

// TestPsqlExitCode: psql's exit code is the command's, which adds nothing to what psql has said.
func TestPsqlExitCode(t *testing.T) {
	t.Parallel()
	_, _, err := inProcess(t, map[string]string{"DATABASE_URL": testdb.NewEmptyURL(t)}, "psql", "--", "-c", "select 1 from nothing")
	if ExitCode(err) != 1 || !isSilent(err) {
		t.Errorf("a statement that fails: %v", err)
	}
	_, _, err = inProcess(t, map[string]string{"DATABASE_URL": "postgres://odo@127.0.0.1:1/none"}, "psql")
	if ExitCode(err) != 2 || !isSilent(err) {
		t.Errorf("a server that does not answer: %v", err)
	}
}

// TestConfigMasks: config shows all settings and masks the secrets.
func TestConfigMasks(t *testing.T) {
	t.Parallel()
	stdout, _, err := inProcess(t, map[string]string{
		"DATABASE_URL": "postgres://odo:s3cr3t-db@db.example.org:5432/books?sslpassword=s3cr3t-query",
		"SECRET_KEY":   "s3cr3t-s3cr3t-key", "SMTP_URL": "smtps://postman:s3cr3t-mail@mail.example.org:465",
		"BASE_URL": "https://books.example.org/", "PORT": "8080", "DYNO": "web.1",
	}, "config")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(stdout, "s3cr3t") {
		t.Errorf("a secret is shown:\n%s", stdout)
	}
	for _, want := range []string{
		`DATABASE_URL +postgres://odo:xxxxx@db.example.org:5432/books\?`, `SECRET_KEY +\(set\)`, `PORT +8080`,
		`SMTP_URL +smtps://postman:xxxxx@mail.example.org:465`, `BASE_URL +https://books.example.org\n`, `MAIL_FROM +\(not set\)`, `DYNO +web.1`,
	} {
		if !regexp.MustCompile(want).MatchString(stdout) {
			t.Errorf("no line %s in\n%s", want, stdout)
		}
	}
}

// TestTakenPort: web and dev report a taken port, and start nothing.
func TestTakenPort(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	data := filepath.Join(t.TempDir(), "data")
	for _, c := range []struct{ command, database string }{{"web", "postgres://odo@127.0.0.1:1/none"}, {"dev", ""}} {
		_, _, err = inProcess(t, map[string]string{"DATABASE_URL": c.database, "SECRET_KEY": "a secret only for tests", "PORT": port}, c.command, "--data", data)
		if err == nil || !strings.HasPrefix(err.Error(), "port "+port+" is taken by another program; choose another: PORT=") {
			t.Errorf("%s: %v", c.command, err)
		}
	}
	if _, err := os.Stat(data); err == nil {
		t.Error("a Postgres was created although the port was taken")
	}
}

// TestMigrateCommand runs migrate twice at once on an empty database, then again, and starts processes on newer and older
// schemas.
func TestMigrateCommand(t *testing.T) {
	t.Parallel()
	databaseURL := testdb.NewEmptyURL(t)
	pool := openPool(t, databaseURL)
	for _, kind := range []string{"web", "worker"} {
		out, err := outcome(t, launch(t, databaseURL, nil, kind))
		if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != 1 ||
			!strings.HasSuffix(out, "backlist: the database schema is older than this release; run: backlist migrate") {
			t.Errorf("%s on an empty database: %v\n%s", kind, err, out)
		}
	}
	const once = `select count(*) from pg_tables where schemaname = 'work' and tablename = 'migration'`
	if n := valueOf[int](t, pool, once); n != 0 {
		t.Error("web or worker began to migrate")
	}
	both := [2]*process{launch(t, databaseURL, nil, "migrate"), launch(t, databaseURL, nil, "migrate")}
	lines := finished(t, both[0]) + "\n" + finished(t, both[1])
	if n := strings.Count(lines, "name=001_reader"); n != 1 {
		t.Errorf("the first migration was applied %d times:\n%s", n, lines)
	}
	if out := finished(t, launch(t, databaseURL, nil, "migrate")); strings.Contains(out, "migrated") || strings.Contains(out, "replaced") {
		t.Errorf("a third migrate found something to do:\n%s", out)
	}

	const rewind = `delete from work.migration where version = (select max(version) from work.migration)`
	before := valueOf[int](t, pool, "select count(*) from work.migration")
	newer := `insert into work.migration (version, name) values (900, '900_from_the_future')`
	for _, c := range []struct {
		sql   string
		ready bool
	}{{newer, true}, {rewind, true}, {rewind, false}} { // newer than ours, ours again, older than ours
		if _, err := pool.Exec(t.Context(), c.sql); err != nil {
			t.Fatal(err)
		}
		for _, kind := range []string{"web", "worker"} {
			p := launch(t, databaseURL, nil, kind)
			if c.ready {
				p.waitFor(readyLine)
				p.tell(syscall.SIGTERM)
				p.exits()
				continue
			}
			if out, err := outcome(t, p); err == nil || !strings.Contains(out, "older than this release") {
				t.Errorf("%s on an older schema: %v\n%s", kind, err, out)
			}
		}
	}
	if n := valueOf[int](t, pool, "select count(*) from work.migration"); n != before-1 {
		t.Errorf("%d migrations are recorded, %d before", n, before)
	}
}

// TestOperatorCommands: each command says what it did, or in one sentence why not and what to do.
func TestOperatorCommands(t *testing.T) {
	t.Parallel()
	databaseURL := testdb.NewURL(t)
	pool := openPool(t, databaseURL)
	const accounts = `insert into reader (email, email_key, name, password_hash)
		select e, lower(e), 'Odo', '-' from unnest(array['Odo@example.org', 'ada@example.org']) e`
	if _, err := pool.Exec(t.Context(), accounts); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ args, out, err string }{
		{"list", "No account may use the console. Sign up on the site, then: backlist operator add EMAIL --role operator\n", ""},
		{"list --json", "[]\n", ""},
		{"add eve@example.org", "", "no account has the address eve@example.org: sign up on the site first"},
		{"remove eve@example.org", "", "no account has the address eve@example.org: sign up on the site first"},
		{"remove ada@example.org", "", "ada@example.org has no role; to see who has: backlist operator list"},
		{"add ODO@Example.org", "ODO@Example.org is a viewer now, who may look at the console. With --role operator the account may also act.\n", ""},
		{"add odo@example.org --role operator", "odo@example.org is an operator now.\n", ""},
		{"add odo@example.org", "odo@example.org is an operator now.\n", ""},
		{"add odo@example.org --role viewer", "", "odo@example.org is the last operator; add another first: backlist operator add EMAIL --role operator"},
		{"remove odo@example.org", "", "odo@example.org is the last operator; add another first: backlist operator add EMAIL --role operator"},
		{"add --role operator ada@example.org", "ada@example.org is an operator now.\n", ""},
		{"remove odo@example.org", "odo@example.org has no role in the console any more. Its open pages close within 5 seconds.\n", ""},
	} {
		stdout, stderr, err := inProcess(t, map[string]string{"DATABASE_URL": databaseURL}, append([]string{"operator"}, strings.Fields(c.args)...)...)
		if stdout != c.out || stderr != "" || c.err == "" && err != nil || c.err != "" && (err == nil || err.Error() != c.err) {
			t.Errorf("operator %s: %q, %q, %v", c.args, stdout, stderr, err)
		}
	}
	stdout, _, err := inProcess(t, map[string]string{"DATABASE_URL": databaseURL}, "operator", "list")
	if !regexp.MustCompile(`^email +name +role +added at +added by\nada@example.org +Odo +operator +\d.* \S+@\S+ \(backlist operator\)\n$`).MatchString(stdout) {
		t.Errorf("operator list: %q, %v", stdout, err)
	}
	stdout, _, err = inProcess(t, map[string]string{"DATABASE_URL": databaseURL}, "operator", "list", "--json")
	var list []struct {
		Email, Role string
		AddedAt     time.Time `json:"added_at"`
	}
	if err := errors.Join(err, json.Unmarshal([]byte(stdout), &list)); err != nil || len(list) != 1 || list[0].Email != "ada@example.org" ||
		list[0].Role != "operator" || list[0].AddedAt.IsZero() {
		t.Errorf("operator list --json: %s, %v", stdout, err)
	}
}

// TestAccountCommands: a reset link of an existing account sets a password once.
func TestAccountCommands(t *testing.T) {
	t.Parallel()
	databaseURL := testdb.NewURL(t)
	web := start(t, databaseURL, nil, "web")
	command := func(args ...string) (string, error) { return outcome(t, launch(t, databaseURL, nil, args...)) }
	out, err := command("reader", "reset", "odo@example.org")
	if err == nil || strings.Contains(out, "level=ERROR") || strings.Count(out, "\n") > 0 {
		t.Errorf("reader reset of an unknown account: %v\n%s", err, out)
	}
	odo := newCaller(web.URL)
	odo.signUp(t, "Odo", "odo@example.org")
	if out, err = command("reader", "reset", "odo@example.org"); err != nil {
		t.Fatal(err, out)
	}
	link, err := url.Parse(regexp.MustCompile(`https?://\S+`).FindString(out))
	if err != nil || "http://"+link.Host != web.URL {
		t.Fatalf("the link is %v, the site %s", link, web.URL)
	}
	visitor := newCaller(web.URL)
	visitor.must(t, http.StatusOK, link.Path, nil)
	visitor.must(t, http.StatusSeeOther, link.Path, fields("password", "another good password"))
	newCaller(web.URL).must(t, http.StatusNotFound, link.Path, nil)
	newCaller(web.URL).must(t, http.StatusNotFound, link.Path, fields("password", "a third good password"))
	newCaller(web.URL).must(t, http.StatusSeeOther, "/signin", fields("email", "odo@example.org", "password", "another good password"))
	if a := odo.must(t, http.StatusSeeOther, "/settings", nil); !strings.HasPrefix(a.Header.Get("Location"), "/signin") {
		t.Error("the session from before the reset is still valid")
	}
}

// TestPsqlCommand: psql gets its arguments, runs on our database, and its failure is the command's.
func TestPsqlCommand(t *testing.T) {
	t.Parallel()
	if _, err := pglocal.Find("psql"); err != nil {
		lacking(t, "psql")
	}
	databaseURL := testdb.NewURL(t)
	out := finished(t, launch(t, databaseURL, nil, "psql", "--", "-At", "-c", "select 'works'", "-c", "select count(*) from job", "-c", "show search_path"))
	if !strings.Contains(out, "works\n0\njobs, ") && !strings.Contains(out, "works\n0\njobs,") {
		t.Errorf("psql wrote %q", out)
	}
	if out := finished(t, launch(t, databaseURL, nil, "psql")); !strings.Contains(out, `Try: \dv jobs.*   \d+ jobs.job   or a query of db/reports/cookbook.md.`) {
		t.Errorf("without arguments it prints %q", out)
	}
	if out, err := outcome(t, launch(t, databaseURL, nil, "psql", "--", "-v", "ON_ERROR_STOP=1", "-c", "select nonsense")); err == nil {
		t.Errorf("psql failed and the command did not: %s", out)
	}
}

// TestPsqlMissing hides every psql of this machine, and checks the error.
func TestPsqlMissing(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		lacking(t, "root, to hide psql in a mount namespace")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	hide := `set -e; for d in /usr/lib/postgresql /usr/local/pgsql/bin; do if [ -d $d ]; then mount -t tmpfs none $d; fi; done; PATH= exec "$0" psql -- -c 'select 1'`
	cmd := exec.Command("unshare", "--mount", "sh", "-c", hide, self)
	cmd.Env = append(os.Environ(), asProgram+"=1", "DATABASE_URL=postgres://odo@127.0.0.1:1/none")
	out, err := cmd.CombinedOutput()
	if bytes.Contains(out, []byte("unshare:")) || bytes.Contains(out, []byte("mount:")) {
		t.Skip("the kernel allows no mount namespaces here, in which psql could be hidden: nothing that can be installed")
	}
	if err == nil || !strings.HasPrefix(string(out), "backlist: found no psql on this machine: install the Postgres client") {
		t.Errorf("%v: %s", err, out)
	}
}

// busyJobs asks whether the demo load has jobs.
const busyJobs = "select case when exists (select from jobs.job where kind = 'deliver_webhook') then 'some' else 'none' end"

var devURL = regexp.MustCompile(`The site +http://localhost:(\d+)`)

// dev starts the command dev on a data folder and waits until it has printed its URLs.
func dev(t *testing.T, data string, flags ...string) *process {
	t.Helper()
	p := launch(t, "", []string{"SECRET_KEY="}, append([]string{"dev", "--data", data}, flags...)...)
	p.URL = "http://localhost:" + devURL.FindStringSubmatch(p.waitFor(devURL))[1]
	p.waitFor(regexp.MustCompile(`Ctrl-C stops everything`))
	return p
}

// postmasters returns the number of Postgres servers that run on a data folder.
func postmasters(data string) (n int) {
	entries, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, entry := range entries {
		line, _ := os.ReadFile(entry)
		if bytes.Contains(line, []byte("\x00-D\x00"+filepath.Join(data, "data")+"\x00")) {
			n++
		}
	}
	return n
}

// TestDevCommand: other commands may use dev's data folder beside it, dev starts again after a kill and removes the demo load of
// the killed one, and Ctrl-C stops everything.
func TestDevCommand(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self/cmdline"); err != nil {
		lacking(t, "/proc, to see which processes run")
	}
	if _, err := pglocal.Find("psql"); err != nil {
		lacking(t, "psql")
	}
	data := filepath.Join(t.TempDir(), "data")
	for d := filepath.Dir(data); d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o711); err != nil { // as root, Postgres runs as another user, who needs access
			t.Fatal(err)
		}
	}
	first := dev(t, data, "--busy")
	checkBanner(t, first, data)
	odo := newCaller(first.URL)
	odo.signUp(t, "Odo", "odo@example.org")
	for _, c := range odo.set {
		if c.Secure {
			t.Errorf("cookie %s is Secure over plain HTTP", c.Name)
		}
	}
	beside := func(args ...string) string {
		t.Helper()
		return finished(t, launch(t, "", []string{"SECRET_KEY="}, args...))
	}
	if out := beside("psql", "--data", data, "--", "-Atc", "select email from public.reader where email = 'odo@example.org'"); !strings.Contains(out, "odo@example.org") {
		t.Errorf("psql sees %q", out)
	}
	if out := beside("operator", "add", "--data", data, "odo@example.org"); !strings.Contains(out, "is a viewer now") {
		t.Errorf("operator add: %q", out)
	}
	if out := beside("reader", "reset", "--data", data, "odo@example.org"); !strings.Contains(out, first.URL+"/reset/") {
		t.Errorf("reader reset: %q", out)
	}
	if out := beside("psql", "--data", data, "--", "-Atc", busyJobs); !strings.Contains(out, "some") {
		t.Errorf("there is no demo load: %q", out)
	}
	beside("migrate", "--data", data)
	beside("seed", "--data", data)
	if n := postmasters(data); n != 1 {
		t.Errorf("%d postmasters run", n)
	}
	odo.must(t, http.StatusOK, "/mailbox", nil)

	first.kill()
	again := dev(t, data)
	odo.base = func() string { return again.URL }
	odo.must(t, http.StatusOK, "/mailbox", nil) // the session and the data have survived
	if out := beside("psql", "--data", data, "--", "-Atc", busyJobs); !strings.Contains(out, "none") {
		t.Errorf("the demo load is still there: %q", out)
	}
	page := odo.openStream(t)
	page.next(t)
	began := time.Now()
	again.tell(syscall.SIGINT)
	again.exitsWithin(patience)
	t.Logf("Ctrl-C took %s", time.Since(began))
	if n := postmasters(data); n != 0 {
		t.Errorf("%d postmasters are left", n)
	}
	if out := again.output(); !strings.HasSuffix(out, "\nStopped. Everything is kept for next time.") {
		t.Errorf("dev ended without its last line:\n%s", out)
	}
	if log, err := os.ReadFile(filepath.Join(data, "dev.log")); err != nil || bytes.Contains(log, []byte("level=ERROR")) || !bytes.Contains(log, []byte("worker is stopping")) {
		t.Errorf("the log has no end, or has errors: %v\n%s", err, log)
	}
}

// TestDevStoppedWhileStarting: Ctrl-C at any moment of the start stops everything without an error.
func TestDevStoppedWhileStarting(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	for d := filepath.Dir(data); d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o711); err != nil {
			t.Fatal(err)
		}
	}
	for _, moment := range []string{`Starting Postgres`, `postgres ready`, `name=001_reader`, `catalogue loaded`} {
		p := launch(t, "", []string{"SECRET_KEY="}, "dev", "--verbose", "--data", data)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		seen := make(chan struct{})
		var once sync.Once
		go func() {
			for line := range p.line {
				if strings.Contains(line, moment) || strings.Contains(line, "Ctrl-C stops everything") { // a step of an earlier run is not repeated
					once.Do(func() { close(seen) })
				}
			}
		}()
		select {
		case <-seen:
			p.tell(syscall.SIGINT)
		case <-p.done:
			t.Errorf("dev ended before %q", moment)
		case <-ctx.Done():
			t.Fatalf("dev neither logged %q nor was ready", moment)
		}
		cancel()
		p.exitsWithin(patience)
		if n := postmasters(data); n != 0 {
			t.Errorf("after %q: %d postmasters are left", moment, n)
		}
	}
}

// TestClosedPipe: a command whose output pipe is closed, as by "| head", ends in order and stops its Postgres.
func TestClosedPipe(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	data := t.TempDir()
	cmd := exec.CommandContext(t.Context(), self, "bench", "latency", "--seconds", "0.2", "--data", data)
	cmd.Env = append(os.Environ(), asProgram+"=1", "DATABASE_URL=")
	heard, said, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = said.Close()
	if _, err := heard.Read(make([]byte, 1)); err != nil { // Postgres is ready
		t.Fatal(err)
	}
	_ = heard.Close()
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("it ended with %v", err)
	}
	left, err := filepath.Glob(filepath.Join(data, "*", "postmaster.pid"))
	if again, globErr := filepath.Glob(filepath.Join(data, "postmaster.pid")); err != nil || globErr != nil || len(left)+len(again) > 0 {
		t.Errorf("left: %v %v %v", left, again, err)
	}
}
