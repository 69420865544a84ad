package app

import (
	"bytes"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
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
