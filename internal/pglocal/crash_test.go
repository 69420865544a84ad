package pglocal

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// wantNoServer fails unless every process of the folder's server has ended.
func wantNoServer(t *testing.T, dir string) {
	t.Helper()
	f, err := openLock(filepath.Join(dir, "server.lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	// The children of a killed initdb end a moment after it.
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		free, err := tryLock(f, syscall.LOCK_EX)
		if err != nil {
			t.Fatal(err)
		}
		if free {
			return
		}
		if time.Now().After(deadline) {
			file, _ := readPIDFile(filepath.Join(dir, "data"))
			t.Fatalf("a server still runs, process %d", file.pid)
		}
	}
}

func TestStartAfterKilledPostmaster(t *testing.T) {
	t.Parallel()
	cfg := usedConfig(t)
	cfg.Throwaway = false
	s := start(t, cfg)
	mark(t, s.URL())
	if err := syscall.Kill(s.pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(); err != nil {
		t.Fatalf("stop of a killed server: %v", err)
	}
	// Its pid file still exists, and now names a process of the same user that is not Postgres.
	other := s.account.command(t.Context(), "cat")
	stdin, err := other.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer other.Wait()
	defer stdin.Close()
	pidFile := filepath.Join(cfg.Dir, "data", "postmaster.pid")
	text, err := os.ReadFile(pidFile)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitN(string(text), "\n", 2)
	if err := os.WriteFile(pidFile, []byte(strconv.Itoa(other.Process.Pid)+"\n"+lines[1]), 0o600); err != nil {
		t.Fatal(err)
	}
	wantMark(t, start(t, cfg))
}

// mark creates a table by which wantMark recognises the data.
func mark(t *testing.T, url string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), "create table mark()"); err != nil {
		t.Fatal(err)
	}
}

func wantMark(t *testing.T, s *Server) {
	t.Helper()
	if ask(t, s, "select coalesce(to_regclass('mark')::text, 'gone')") != "mark" {
		t.Error("the data are not the same as before")
	}
}

// A server must not keep running after its folder was deleted.
func TestStopAfterFolderDeleted(t *testing.T) {
	t.Parallel()
	cfg := usedConfig(t)
	s := start(t, cfg)
	if err := os.RemoveAll(cfg.Dir); err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(s.pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("the server still runs: %v", err)
	}
}

// A power cut can leave an empty pid file.
func TestStartOverEmptyPIDFile(t *testing.T) {
	t.Parallel()
	cfg := usedConfig(t)
	cfg.Throwaway = false
	s := start(t, cfg)
	mark(t, s.URL())
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(cfg.Dir, "data", "postmaster.pid"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	wantMark(t, start(t, cfg))
}

// The next user of a shared server that died starts it again.
func TestSharedStartAfterKilledPostmaster(t *testing.T) {
	t.Parallel()
	cfg := usedConfig(t)
	cfg.Shared = true
	first := start(t, cfg)
	if err := syscall.Kill(first.pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	second := start(t, cfg)
	if ask(t, second, "select 'up'") != "up" || second.pid == first.pid {
		t.Error("attached to a dead server")
	}
	if err := second.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := first.Stop(); err != nil { // the last user stops a server that it did not start
		t.Fatal(err)
	}
	wantNoServer(t, cfg.Dir)
}

func TestStartAfterKilledOwner(t *testing.T) {
	t.Parallel()
	for _, shared := range []bool{false, true} {
		t.Run("shared="+strconv.FormatBool(shared), func(t *testing.T) {
			t.Parallel()
			cfg := usedConfig(t)
			cfg.Shared = shared
			o := startOwner(t, cfg.Dir, shared).waitReady(t)
			mark(t, o.url)
			o.kill(t)
			if err := syscall.Kill(o.pid, 0); err != nil {
				t.Fatalf("the server ended with its owner: %v", err)
			}
			s := start(t, cfg)
			wantMark(t, s)
			if attached := s.pid == o.pid; attached != shared {
				t.Errorf("attached = %v", attached)
			}
			if err := s.Stop(); err != nil {
				t.Fatal(err)
			}
			wantNoServer(t, cfg.Dir)
		})
	}
}

// When a process is killed during initdb, initdb continues without it.
func TestStartAfterOwnerKilledInInitdb(t *testing.T) {
	t.Parallel()
	for _, shared := range []bool{false, true} {
		t.Run("shared="+strconv.FormatBool(shared), func(t *testing.T) {
			t.Parallel()
			cfg := testConfig(t)
			cfg.Shared = shared
			o := startOwner(t, cfg.Dir, shared)
			awaitFile(t, filepath.Join(cfg.Dir, "data.new", "PG_VERSION"))
			o.kill(t)
			if s := start(t, cfg); ask(t, s, "select 'up'") != "up" {
				t.Error("no answer")
			}
		})
	}
}

// awaitFile waits until another process has made a file.
func awaitFile(t *testing.T, path string) {
	t.Helper()
	deadline := time.After(time.Minute)
	for {
		if _, err := os.Stat(path); err == nil {
			return
		}
		select {
		case <-time.After(time.Millisecond):
		case <-deadline:
			t.Fatalf("%s was not made", path)
		}
	}
}

func TestCancelledStartLeavesNothing(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"data.new/PG_VERSION", "data/postmaster.pid"} {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			cfg := testConfig(t)
			if file == "data/postmaster.pid" { // past initdb
				cfg = usedConfig(t)
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			failed := make(chan error, 1)
			go func() {
				s, err := Start(ctx, cfg)
				if err == nil {
					err = errors.Join(errors.New("started"), s.Stop())
				}
				failed <- err
			}()
			awaitFile(t, filepath.Join(cfg.Dir, file))
			cancel()
			if err := <-failed; err == nil || err.Error() == "started" && file == "data.new/PG_VERSION" {
				t.Errorf("start = %v, want the cancellation", err)
			}
			wantNoServer(t, cfg.Dir)
			start(t, cfg)
		})
	}
}

func TestBrokenData(t *testing.T) {
	t.Parallel()
	for name, breakIt := range map[string]func(data string) error{
		"no version":    func(data string) error { return os.Remove(filepath.Join(data, "PG_VERSION")) },
		"empty control": func(data string) error { return os.Truncate(filepath.Join(data, "global", "pg_control"), 0) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := usedConfig(t)
			cfg.Throwaway = false
			if err := start(t, cfg).Stop(); err != nil {
				t.Fatal(err)
			}
			if err := breakIt(filepath.Join(cfg.Dir, "data")); err != nil {
				t.Fatal(err)
			}
			if s := start(t, cfg); ask(t, s, "select 'up'") != "up" {
				t.Error("no answer")
			}
			if aside, _ := filepath.Glob(filepath.Join(cfg.Dir, "data.broken-*", "base")); len(aside) != 1 {
				t.Errorf("the broken data were not kept: %v", aside)
			}
		})
	}
}

// Data that look complete but do not start are replaced only if they are throwaway.
func TestRuinedData(t *testing.T) {
	t.Parallel()
	for _, throwaway := range []bool{true, false} {
		t.Run("throwaway="+strconv.FormatBool(throwaway), func(t *testing.T) {
			t.Parallel()
			cfg := usedConfig(t)
			cfg.Throwaway = throwaway
			if err := start(t, cfg).Stop(); err != nil {
				t.Fatal(err)
			}
			if err := os.Truncate(filepath.Join(cfg.Dir, "data", "global", "pg_control"), 100); err != nil {
				t.Fatal(err)
			}
			s, err := Start(t.Context(), cfg)
			if throwaway {
				if err != nil {
					t.Fatal(err)
				}
				if err := s.Stop(); err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), "pg_control") {
				t.Errorf("start = %v, want the end of the server's log", err)
			}
			if _, err := os.Stat(filepath.Join(cfg.Dir, "data", "base")); err != nil {
				t.Errorf("the data were removed: %v", err)
			}
			wantNoServer(t, cfg.Dir)
		})
	}
}
