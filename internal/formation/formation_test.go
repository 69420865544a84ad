package formation_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/backlist/backlist/internal/formation"
)

// asRole is set in the processes that the tests start: they are this test program too, and play this role.
const asRole = "BACKLIST_TEST_FORMATION"

func TestMain(m *testing.M) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	ctx, cancel := formation.Attached(ctx, os.Stdin)
	defer cancel()
	switch os.Getenv(asRole) {
	case "":
		os.Exit(m.Run())
	case "serve":
		fmt.Println("ready as", os.Getenv("DYNO"))
		<-ctx.Done()
	case "deaf":
		signal.Ignore(syscall.SIGTERM)
		fmt.Println("ready")
		select {}
	case "fail":
		fmt.Fprintln(os.Stderr, "invalid configuration:\nPORT must be a number")
		os.Exit(1)
	case "parent": // of two processes, one of which is paused
		for _, name := range []string{"worker.1", "worker.2"} {
			ready := make(chan string)
			p, err := formation.Start(formation.Command{
				Name: name, Args: program(), Env: []string{asRole + "=serve"}, Log: os.Stderr, Line: func(line string) { ready <- line },
			})
			if err != nil {
				panic(err)
			}
			<-ready
			if name == "worker.2" {
				p.Pause()
			}
		}
		fmt.Println("ready")
		select {}
	}
}

// program is the command that plays a role.
func program() []string {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return []string{self}
}

// patience is how long a test waits for something that happens soon unless the machine is busy.
const patience = time.Minute

// local is a formation and the lines that it writes.
type local struct {
	*formation.Local
	t     *testing.T
	lines chan string
	stop  func()        // ends its context
	ended chan struct{} // closed when Run has returned
}

// newLocal runs a formation of processes of a role until the test ends.
func newLocal(t *testing.T, role string, restart time.Duration) *local {
	t.Helper()
	out, in := io.Pipe()
	l := &local{t: t, lines: make(chan string, 100), ended: make(chan struct{}), Local: formation.NewLocal(formation.Config{
		Type: "worker", Program: program(), Env: []string{asRole + "=" + role}, Output: in, Grace: 100 * time.Millisecond, Restart: restart,
		Log: slog.New(slog.NewTextHandler(in, nil)),
	})}
	go func() {
		for scanner := bufio.NewScanner(out); scanner.Scan(); {
			l.lines <- scanner.Text()
		}
	}()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	l.stop = cancel
	go func() {
		l.Run(ctx)
		close(l.ended)
	}()
	t.Cleanup(func() {
		cancel()
		<-l.ended
		in.Close()
	})
	return l
}

// scale sets the number of processes.
func (l *local) scale(n int) {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(l.t.Context(), patience)
	defer cancel()
	if err := l.Scale(ctx, n); err != nil {
		l.t.Fatal(err)
	}
}

// expect waits for lines that contain these texts, in any order.
func (l *local) expect(want ...string) {
	l.t.Helper()
	for missing := want; len(missing) > 0; {
		select {
		case line := <-l.lines:
			for i := range missing {
				if strings.Contains(line, missing[i]) {
					missing = append(missing[:i:i], missing[i+1:]...)
					break
				}
			}
		case <-time.After(patience):
			l.t.Fatalf("no lines %q", missing)
		}
	}
}

func TestScale(t *testing.T) {
	t.Parallel()
	l := newLocal(t, "serve", time.Hour)
	l.scale(2)
	l.expect("worker.1 | ready as worker.1", "worker.2 | ready as worker.2")
	first := l.List()
	if len(first) != 2 || first[0].PID == first[1].PID || first[0].State != formation.Up || first[1].Name != "worker.2" || first[0].Since.IsZero() {
		t.Fatalf("%+v", first)
	}
	l.scale(1)
	if left := l.List(); len(left) != 1 || left[0] != first[0] {
		t.Fatalf("not the highest number left: %+v of %+v", left, first)
	}
	if err := syscall.Kill(first[1].PID, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("worker.2 still runs, or was not reaped: %v", err)
	}
	l.scale(3)
	l.expect("worker.2 | ready as worker.2", "worker.3 | ready as worker.3")
	if err := l.Scale(t.Context(), -1); err == nil {
		t.Error("scaled to -1")
	}
	l.stop()
	<-l.ended
	if left := l.List(); len(left) != 0 {
		t.Errorf("still there: %+v", left)
	}
	if err := l.Scale(t.Context(), 1); !errors.Is(err, formation.ErrStopped) {
		t.Errorf("scaled after its end: %v", err)
	}
}

// TestKill: as on a platform, a killed process is started again, with its name and another number.
func TestKill(t *testing.T) {
	t.Parallel()
	l := newLocal(t, "serve", time.Millisecond)
	l.scale(1)
	l.expect("worker.1 | ready as worker.1")
	before := l.List()[0]
	if err := l.Kill("worker.1"); err != nil {
		t.Fatal(err)
	}
	l.expect("worker.1 | ready as worker.1")
	if after := l.List()[0]; after.PID == before.PID || after.State != formation.Up || !after.Since.After(before.Since) {
		t.Errorf("%+v after %+v", after, before)
	}
	if err := l.Kill("worker.2"); err == nil || err.Error() != "there is no process worker.2" {
		t.Errorf("kill of an unknown process: %v", err)
	}
}

// TestStop: a process that is paused, or ignores SIGTERM, does not outlive its formation.
func TestStop(t *testing.T) {
	t.Parallel()
	for role, pause := range map[string]bool{"serve": true, "deaf": false} {
		l := newLocal(t, role, time.Hour)
		l.scale(1)
		l.expect("ready")
		pid := l.List()[0].PID
		if pause {
			if err := l.Pause("worker.1"); err != nil || l.List()[0].State != formation.Paused {
				t.Fatalf("%v, %+v", err, l.List())
			}
		}
		l.stop()
		<-l.ended
		if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("%s: %v", role, err)
		}
	}
}

// TestContinue: a paused process continues.
func TestContinue(t *testing.T) {
	t.Parallel()
	l := newLocal(t, "serve", time.Hour)
	l.scale(1)
	l.expect("worker.1 | ready as worker.1")
	if err := errors.Join(l.Pause("worker.1"), l.Continue("worker.1")); err != nil || l.List()[0].State != formation.Up {
		t.Fatalf("%v, %+v", err, l.List())
	}
	l.scale(0)
}

// TestCrash: the list says why a process ended.
func TestCrash(t *testing.T) {
	t.Parallel()
	l := newLocal(t, "fail", time.Hour)
	l.scale(1)
	const exit = "exit status 1: PORT must be a number"
	l.expect(`process=worker.1 exit="` + exit)
	if s := l.List()[0]; s.State != formation.Crashed || s.Exit != exit {
		t.Errorf("%+v", s)
	}
}

func TestCannotStart(t *testing.T) {
	t.Parallel()
	l := formation.NewLocal(formation.Config{Type: "worker", Program: []string{filepath.Join(t.TempDir(), "gone")}})
	err := l.Scale(t.Context(), 1)
	if !errors.Is(err, fs.ErrNotExist) || !strings.HasPrefix(err.Error(), "worker.1 cannot start: the program was removed") || len(l.List()) != 0 {
		t.Errorf("%v, %+v", err, l.List())
	}
}

// TestParentKilled: when a process is killed, its children end, even paused ones.
func TestParentKilled(t *testing.T) {
	t.Parallel()
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	ready := make(chan string, 1)
	parent, err := formation.Start(formation.Command{
		Name: "parent", Args: program(), Env: []string{asRole + "=parent"}, Log: in, Line: func(line string) { ready <- line },
	})
	if err := errors.Join(err, in.Close()); err != nil {
		t.Fatal(err)
	}
	<-ready
	parent.Kill()
	<-parent.Done()
	if err := out.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(out); err != nil { // at its end no process has the pipe open
		t.Errorf("a child still runs: %v\n%s", err, text)
	}
}
