package pglocal

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Users attach and leave all the time: no server is stopped while a process uses it, and none is left at the end.
func TestSharedComeAndGo(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.Shared, cfg.Log = true, nil
	var users sync.WaitGroup
	for range 5 {
		users.Go(func() {
			for range 6 {
				if err := useOnce(t.Context(), cfg); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	users.Go(func() { // other processes do the same
		for range 4 {
			o := startOwner(t, cfg.Dir, true)
			if line := o.line(t); !strings.HasPrefix(line, "ready") {
				t.Error(line)
			}
			o.finish(t)
		}
	})
	users.Wait()
	wantNoServer(t, cfg.Dir)
}

func useOnce(ctx context.Context, cfg Config) error {
	s, err := Start(ctx, cfg)
	if err != nil {
		return fmt.Errorf("start: %w", err)
	}
	conn, err := pgx.Connect(ctx, s.URL())
	if err == nil {
		_, err = conn.Exec(ctx, "select count(*) from pg_class")
		err = errors.Join(err, conn.Close(ctx))
	}
	return errors.Join(err, s.Stop())
}

func TestInUse(t *testing.T) {
	t.Parallel()
	cfg := usedConfig(t)
	o := startOwner(t, cfg.Dir, false).waitReady(t)
	for _, shared := range []bool{false, true} {
		cfg.Shared = shared
		_, err := Start(t.Context(), cfg)
		if inUse, ok := errors.AsType[*InUseError](err); !ok || inUse.PID != o.cmd.Process.Pid {
			t.Errorf("second start with shared=%v: %v, want one that names process %d", shared, err, o.cmd.Process.Pid)
		}
	}
	o.finish(t)

	cfg.Shared = true
	s := start(t, cfg)
	cfg.Shared = false
	_, err := Start(t.Context(), cfg)
	if inUse, ok := errors.AsType[*InUseError](err); !ok || inUse.PID != s.pid {
		t.Errorf("start of an exclusive server beside a shared one: %v, want one that names process %d", err, s.pid)
	}
	if ask(t, s, "select 'up'") != "up" {
		t.Error("the shared server does not answer")
	}
}

func TestTwoFolders(t *testing.T) {
	t.Parallel()
	one, other := start(t, usedConfig(t)), start(t, testConfig(t))
	if one.port == other.port || one.password == other.password {
		t.Errorf("ports %d and %d, same password %v", one.port, other.port, one.password == other.password)
	}
}

func TestInterruptSparesServer(t *testing.T) {
	t.Parallel()
	o := startOwner(t, usedConfig(t).Dir, false).waitReady(t)
	if err := syscall.Kill(-o.cmd.Process.Pid, syscall.SIGINT); err != nil { // Ctrl-C: the whole group
		t.Fatal(err)
	}
	if line := o.line(t); line != "interrupted <nil>" {
		t.Error(line)
	}
	o.finish(t)
}

// A user may run the cluster by hand: we must neither remove its pid file nor start a second server.
func TestServerStartedByHand(t *testing.T) {
	t.Parallel()
	cfg := usedConfig(t)
	s := start(t, cfg)
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	p, err := s.findPrograms(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	byHand := s.account.command(ctx, p.path("postgres"), s.arguments(s.port)...)
	if err := byHand.Start(); err != nil {
		t.Fatal(err)
	}
	defer byHand.Wait()
	defer cancel()
	data := filepath.Join(cfg.Dir, "data")
	awaitFile(t, filepath.Join(data, "postmaster.pid"))
	if err := s.ready(t.Context(), func() error { return nil }); err != nil {
		t.Fatal(err)
	}
	_, err = Start(t.Context(), cfg)
	if want := fmt.Sprintf("process %d", byHand.Process.Pid); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("start = %v, want one that names %s", err, want)
	}

	// Our server would find its port taken.
	other, err := Start(t.Context(), usedConfig(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := other.halt(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := other.launchOn(t.Context(), s.port, p, other.serverLock); err == nil || !portTaken(s.port) {
		t.Errorf("start on a taken port: %v", err)
	}
	other.release()
}
