package pglocal

import (
	"context"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// folder returns a data folder that the server's account can reach, which may not be true of t.TempDir.
func folder(t *testing.T) string {
	t.Helper()
	base, err := os.MkdirTemp("", "folder-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(base) })
	if err := os.Chmod(base, 0o711); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(base, "pg")
}

// testConfig returns the config of the test's own throwaway server.
func testConfig(t *testing.T) Config {
	t.Helper()
	return Config{Dir: folder(t), Throwaway: true, Log: slog.New(slog.NewTextHandler(t.Output(), nil))}
}

// template is a folder with a cluster that was shut down. Copying it saves initdb, which is most of the cost of a first
// start.
var template = sync.OnceValues(func() (string, error) {
	dir := filepath.Join(os.TempDir(), "template")
	s, err := Start(context.Background(), Config{Dir: dir, Throwaway: true})
	if err != nil {
		return "", err
	}
	return dir, s.Stop()
})

// usedConfig is testConfig for a server that has run before.
func usedConfig(t *testing.T) Config {
	t.Helper()
	from, err := template()
	if err != nil {
		t.Fatal(err)
	}
	cfg := testConfig(t)
	if out, err := exec.CommandContext(t.Context(), "cp", "-a", from, cfg.Dir).CombinedOutput(); err != nil {
		t.Fatalf("cp: %v: %s", err, out)
	}
	return cfg
}

func start(t *testing.T, cfg Config) *Server {
	t.Helper()
	s, err := Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	return s
}

// ask returns the only value of a query.
func ask(t *testing.T, s *Server, query string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	var value string
	if err := conn.QueryRow(t.Context(), query).Scan(&value); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return value
}

func TestStartStopStart(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	began := time.Now()
	s := start(t, cfg)
	t.Logf("first start took %v", time.Since(began))
	want := map[string]string{
		"select current_database() || ' ' || current_user":                         "backlist backlist",
		"select rolsuper::text from pg_roles where rolname = current_user":         "true",
		"select current_setting('TimeZone')":                                       "UTC",
		"select current_setting('server_encoding')":                                "UTF8",
		"select current_setting('shared_buffers')":                                 "128MB",
		"select current_setting('max_connections')":                                "100",
		"select current_setting('fsync') || current_setting('full_page_writes')":   "offoff",
		"select current_setting('listen_addresses')":                               "127.0.0.1",
		"select count(*)::text from pg_hba_file_rules where auth_method = 'trust'": "0",
	}
	for query, answer := range want {
		if got := ask(t, s, query); got != answer {
			t.Errorf("%s = %q, want %q", query, got, answer)
		}
	}
	mark(t, s.URL())
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(); err != nil {
		t.Fatalf("second stop: %v", err)
	}
	began = time.Now()
	s = start(t, cfg)
	t.Logf("second start took %v", time.Since(began))
	wantMark(t, s)
}
