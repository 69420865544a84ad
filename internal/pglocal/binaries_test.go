package pglocal

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// fakeServer returns a folder of programs that only answer --version.
func fakeServer(t *testing.T, version string) string {
	t.Helper()
	dir := filepath.Join(folder(t), "bin")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"initdb", "postgres", "psql"} {
		script := fmt.Sprintf("#!/bin/sh\necho '%s (PostgreSQL) %s'\n", name, version)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestServersNewestFirst(t *testing.T) {
	t.Parallel()
	a, err := serverAccount()
	if err != nil {
		t.Fatal(err)
	}
	old, eldest, newest := fakeServer(t, "15.1 (Debian 15.1-1)"), fakeServer(t, "14.9"), fakeServer(t, "18beta2")
	linked := filepath.Join(folder(t), "linked")
	if err := os.MkdirAll(linked, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(newest, "initdb"), filepath.Join(linked, "initdb")); err != nil {
		t.Fatal(err)
	}
	clientOnly := fakeServer(t, "17.0")
	if err := os.Remove(filepath.Join(clientOnly, "postgres")); err != nil {
		t.Fatal(err)
	}
	found := a.servers(t.Context(), []string{"/nowhere", old, eldest, linked, clientOnly, newest, old})
	want := fmt.Sprint([]programs{{newest, 18}, {old, 15}})
	if got := fmt.Sprint(found); got != want {
		t.Errorf("servers = %s, want %s", got, want)
	}
}

func TestFindIn(t *testing.T) {
	t.Parallel()
	old, newest := fakeServer(t, "9.6.24"), fakeServer(t, "16.2")
	if path, err := findIn("psql", []string{old, newest, "/nowhere"}); err != nil || path != filepath.Join(newest, "psql") {
		t.Errorf("findIn = %s, %v; want the newest", path, err)
	}
	_, err := findIn("psql", []string{"/nowhere"})
	if err == nil || !strings.Contains(err.Error(), "apt install postgresql-client") {
		t.Errorf("findIn = %v, want what to install", err)
	}
}

// TestProgramJustWritten: a program that a child process still has open for writing is retried until it runs.
func TestProgramJustWritten(t *testing.T) {
	t.Parallel()
	program := filepath.Join(fakeServer(t, "15.1"), "psql")
	open, err := os.OpenFile(program, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	closing := time.AfterFunc(50*time.Millisecond, func() { open.Close() })
	defer closing.Stop()
	if major := (account{}).versionOf(t.Context(), program); major != 15 {
		t.Errorf("version %d, want 15", major)
	}
}
