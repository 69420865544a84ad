package pglocal

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
)

// TestMain makes the test binary also the second process that some tests need: if PGLOCAL_TEST_OWNER names a folder, it
// starts that folder's server, reports it on stdout, and holds it until stdin ends.
func TestMain(m *testing.M) {
	if dir := os.Getenv("PGLOCAL_TEST_OWNER"); dir != "" {
		if err := own(dir, os.Getenv("PGLOCAL_TEST_SHARED") != ""); err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(run(m))
}

// run gives the tests their own folder for temporary files, which the server's account can reach. It is removed
// afterwards, with the files that the library leaves in it.
func run(m *testing.M) int {
	dir, err := os.MkdirTemp(sharedRoot, "pglocal-test-")
	if err == nil {
		defer os.RemoveAll(dir)
		err = errors.Join(os.Chmod(dir, 0o711), os.Setenv("TMPDIR", dir))
	}
	if err != nil {
		fmt.Println(err)
		return 1
	}
	return m.Run()
}

func own(dir string, shared bool) error {
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	s, err := Start(context.Background(), Config{Dir: dir, Throwaway: true, Shared: shared})
	if err != nil {
		return err
	}
	fmt.Println("ready", s.pid, s.URL())
	go func() {
		<-interrupts // like a program that uses the database once more after Ctrl-C
		conn, err := pgx.Connect(context.Background(), s.URL())
		if err == nil {
			_, err = conn.Exec(context.Background(), "select 1")
		}
		fmt.Println("interrupted", err)
	}()
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	return s.Stop()
}

// owner is a second process, which uses a server.
type owner struct {
	cmd   *exec.Cmd
	stdin io.Closer
	lines *bufio.Scanner
	pid   int // of its postmaster
	url   string
}

// startOwner starts a second process in its own process group and does not wait for its server.
func startOwner(t *testing.T, dir string, shared bool) *owner {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "PGLOCAL_TEST_OWNER="+dir)
	if shared {
		cmd.Env = append(cmd.Env, "PGLOCAL_TEST_SHARED=1")
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	o := &owner{cmd: cmd, stdin: stdin, lines: bufio.NewScanner(stdout)}
	t.Cleanup(func() { // unless the test has already ended it
		stdin.Close()
		_ = cmd.Wait()
	})
	return o
}

func (o *owner) waitReady(t *testing.T) *owner {
	t.Helper()
	words := strings.Fields(o.line(t))
	if len(words) != 3 || words[0] != "ready" {
		t.Fatalf("second process printed %q", words)
	}
	o.pid, _ = strconv.Atoi(words[1])
	o.url = words[2]
	return o
}

func (o *owner) line(t *testing.T) string {
	t.Helper()
	if !o.lines.Scan() {
		t.Fatalf("second process printed nothing more: %v", o.lines.Err())
	}
	return o.lines.Text()
}

// kill ends the process as the kernel does when it runs out of memory.
func (o *owner) kill(t *testing.T) {
	t.Helper()
	if err := o.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = o.cmd.Wait()
}

// finish lets the process stop normally.
func (o *owner) finish(t *testing.T) {
	t.Helper()
	o.stdin.Close()
	if err := o.cmd.Wait(); err != nil {
		t.Fatalf("second process: %v", err)
	}
}
