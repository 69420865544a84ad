package app

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/backlist/backlist/db"
	"github.com/backlist/backlist/internal/pglocal"
)

// newReplica starts a server, migrates it, turns it into a standby and returns its URL.
func newReplica(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{filepath.Dir(dir), dir} { // as root, Postgres runs as another user, who needs access
		if err := os.Chmod(d, 0o711); err != nil {
			t.Fatal(err)
		}
	}
	cfg := pglocal.Config{Dir: filepath.Join(dir, "pg")}
	primary, err := pglocal.Start(context.WithoutCancel(t.Context()), cfg)
	if err != nil {
		t.Fatal(err)
	}
	pool := openPool(t, primary.URL())
	err = db.Migrate(t.Context(), pool, slog.New(slog.DiscardHandler))
	if err == nil {
		_, err = pool.Exec(t.Context(), "insert into river.river_job (kind, args, max_attempts) values ('prune_sessions', '{}', 3)")
	}
	pool.Close()
	if err := primary.Stop(); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(cfg.Dir, "data", "standby.signal"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	standby, err := pglocal.Start(context.WithoutCancel(t.Context()), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := standby.Stop(); err != nil {
			t.Error(err)
		}
	})
	return standby.URL()
}

// TestReplica: every command that writes refuses a replica in one sentence, before it does anything else.
func TestReplica(t *testing.T) {
	t.Parallel()
	databaseURL := newReplica(t)
	env := map[string]string{"DATABASE_URL": databaseURL, "SECRET_KEY": "a secret only for tests", "PORT": "0"}
	for _, line := range []string{
		"web", "worker", "migrate", "seed --demo", "operator add ada@example.org", "operator remove ada@example.org", "reader reset ada@example.org",
		"jobs cancel 1", "jobs pause * --reason x", "jobs discard --kind prune_sessions --yes",
	} {
		stdout, stderr, err := inProcess(t, env, strings.Fields(line)...)
		if ExitCode(err) != 1 || err.Error() != db.ErrReplica.Error() || stdout+stderr != "" {
			t.Errorf("%s: %v\n%s%s", line, err, stdout, stderr)
		}
	}
	stdout, _, err := inProcess(t, env, "doctor")
	first, _, _ := strings.Cut(stdout, "\n")
	if ExitCode(err) != 2 || !strings.HasPrefix(first, "broken   postgres      The server is a replica, ") || strings.Contains(stdout, "schema") {
		t.Errorf("doctor: %v\n%s", err, stdout)
	}
	pool := openPool(t, databaseURL)
	if _, err := pool.Exec(t.Context(), "select pg_promote()"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := inProcess(t, env, "migrate"); err != nil {
		t.Errorf("migrate on the promoted server: %v", err)
	}
}
