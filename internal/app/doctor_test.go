package app

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/backlist/backlist/internal/doctor"
	"github.com/backlist/backlist/internal/mail"
	"github.com/backlist/backlist/internal/testdb"
)

// TestDoctorCommand checks findings and exit codes for a deployment with a real worker, and without one.
func TestDoctorCommand(t *testing.T) {
	t.Parallel()
	databaseURL := testdb.NewURL(t)
	pool := openPool(t, databaseURL)
	worker := start(t, databaseURL, nil, "worker")
	eventually(t, pool, "a leader is in office", "select status = 'ok' from jobs.health where name = 'leader'")
	sink, err := mail.StartSink(mail.SinkConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer sink.Close()
	// Small pools, because the connections of this server are not the subject.
	env := []string{"WEB_POOL=2", "WORKER_POOL=2"}
	out, err := outcome(t, launch(t, databaseURL, append(env, "SMTP_URL="+sink.URL()), "doctor"))
	if err != nil || !strings.Contains(out, "Live workers: 1, with 22 slots.") || !strings.Contains(out, "take up to 20 of ") || strings.Contains(out, "SMTP_URL") ||
		!strings.Contains(out, "MAIL_FROM is not set") {
		t.Errorf("%v\n%s", err, out)
	}
	for _, c := range []struct {
		env   string
		sql   string
		code  int
		check string
		says  string
	}{
		{"WEB_POOL=400", "", 1, "budget", "take up to"},
		{"WORKERS_MAX=400", "", 1, "budget", "1 web and 400 worker processes, twice over in a deploy, take up to 2408 of "},
		{"SMTP_URL=smtp://127.0.0.1:1", "", 1, "mail", "The mail server cannot be used: dial tcp 127.0.0.1:1: connect: connection refused."},
		{"SMTP_URL=smtp://odo:geheim@mail.example?tls=none", "", 2, "mail", "the password would cross the network unencrypted"},
		{"RELEASE=v9", "", 1, "releases", "this is v9"},
		{"SECRET_KEY=", "", 1, "settings", "SECRET_KEY is not set"},
		{"X=", "select jobs.pause('mail', 'for the test')", 1, "queues", "(for the test)"},
		{"X=", "insert into work.schedule (name, kind, spec, missed, broken, dirty, unchecked, next_at) values ('odd', 'xy', '?', 'once', 'spec: ?', false, false, now() + interval '1 h')", 2, "schedules", "odd is broken. spec: ?."},
	} {
		if c.sql != "" {
			if _, err := pool.Exec(t.Context(), c.sql); err != nil {
				t.Fatal(err)
			}
		}
		out, err := outcome(t, launch(t, databaseURL, append(env, c.env), "doctor", "--json"))
		text, _, _ := strings.Cut(out, "\nbacklist: ")
		var found []doctor.Finding
		if err := json.Unmarshal([]byte(text), &found); err != nil {
			t.Fatalf("%s: %v\n%s", c.says, err, out)
		}
		said := false
		for _, f := range found {
			said = said || f.Check == c.check && f.Level != doctor.OK && strings.Contains(f.Says, c.says)
		}
		if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != c.code || !said {
			t.Errorf("%s %s: %v, want exit code %d and %q\n%s", c.env, c.sql, err, c.code, c.says, out)
		}
	}
	if err := worker.stop(); err != nil {
		t.Error(err)
	}
	if out, err := outcome(t, launch(t, databaseURL, env, "doctor")); err == nil || !strings.Contains(out, "No worker is alive.") {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestDoctorElsewhere: doctor reports an unreachable or outdated database, without secrets.
func TestDoctorElsewhere(t *testing.T) {
	t.Parallel()
	for databaseURL, want := range map[string]string{
		"postgres://odo:s3cr3t-pass@127.0.0.1:1/none": "The database cannot be reached: connection refused.",
		testdb.NewEmptyURL(t):                         "→ Run: backlist migrate",
	} {
		stdout, stderr, err := inProcess(t, map[string]string{"DATABASE_URL": databaseURL, "SECRET_KEY": "s3cr3t-s3cr3t-key"}, "doctor")
		if ExitCode(err) != 2 || !strings.Contains(stdout, want) || strings.Contains(stdout+stderr+err.Error(), "s3cr3t") {
			t.Errorf("%v\n%s%s", err, stdout, stderr)
		}
	}
}
