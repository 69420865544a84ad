package app

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/backlist/backlist/internal/pglocal"
	"github.com/backlist/backlist/internal/testdb"
)

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
