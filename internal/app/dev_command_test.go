package app

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/backlist/backlist/internal/pglocal"
)

// busyJobs asks whether the demo load has jobs.
const busyJobs = "select case when exists (select from jobs.job where kind = 'deliver_webhook') then 'some' else 'none' end"

var devURL = regexp.MustCompile(`The site +http://localhost:(\d+)`)

// dev starts the command dev on a data folder and waits until it has printed its URLs.
func dev(t *testing.T, data string, flags ...string) *process {
	t.Helper()
	p := launch(t, "", []string{"SECRET_KEY="}, append([]string{"dev", "--data", data}, flags...)...)
	p.URL = "http://localhost:" + devURL.FindStringSubmatch(p.waitFor(devURL))[1]
	p.waitFor(regexp.MustCompile(`Ctrl-C stops everything`))
	return p
}

// postmasters returns the number of Postgres servers that run on a data folder.
func postmasters(data string) (n int) {
	entries, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, entry := range entries {
		line, _ := os.ReadFile(entry)
		if bytes.Contains(line, []byte("\x00-D\x00"+filepath.Join(data, "data")+"\x00")) {
			n++
		}
	}
	return n
}

// TestDevCommand: other commands may use dev's data folder beside it, dev starts again after a kill and removes the demo load of
// the killed one, and Ctrl-C stops everything.
func TestDevCommand(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self/cmdline"); err != nil {
		lacking(t, "/proc, to see which processes run")
	}
	if _, err := pglocal.Find("psql"); err != nil {
		lacking(t, "psql")
	}
	data := filepath.Join(t.TempDir(), "data")
	for d := filepath.Dir(data); d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o711); err != nil { // as root, Postgres runs as another user, who needs access
			t.Fatal(err)
		}
	}
	first := dev(t, data, "--busy")
	checkBanner(t, first, data)
	odo := newCaller(first.URL)
	odo.signUp(t, "Odo", "odo@example.org")
	for _, c := range odo.set {
		if c.Secure {
			t.Errorf("cookie %s is Secure over plain HTTP", c.Name)
		}
	}
	beside := func(args ...string) string {
		t.Helper()
		return finished(t, launch(t, "", []string{"SECRET_KEY="}, args...))
	}
	if out := beside("psql", "--data", data, "--", "-Atc", "select email from public.reader where email = 'odo@example.org'"); !strings.Contains(out, "odo@example.org") {
		t.Errorf("psql sees %q", out)
	}
	if out := beside("operator", "add", "--data", data, "odo@example.org"); !strings.Contains(out, "is a viewer now") {
		t.Errorf("operator add: %q", out)
	}
	if out := beside("reader", "reset", "--data", data, "odo@example.org"); !strings.Contains(out, first.URL+"/reset/") {
		t.Errorf("reader reset: %q", out)
	}
	if out := beside("psql", "--data", data, "--", "-Atc", busyJobs); !strings.Contains(out, "some") {
		t.Errorf("there is no demo load: %q", out)
	}
	beside("migrate", "--data", data)
	beside("seed", "--data", data)
	if n := postmasters(data); n != 1 {
		t.Errorf("%d postmasters run", n)
	}
	odo.must(t, http.StatusOK, "/mailbox", nil)

	first.kill()
	again := dev(t, data)
	odo.base = func() string { return again.URL }
	odo.must(t, http.StatusOK, "/mailbox", nil) // the session and the data have survived
	if out := beside("psql", "--data", data, "--", "-Atc", busyJobs); !strings.Contains(out, "none") {
		t.Errorf("the demo load is still there: %q", out)
	}
	page := odo.openStream(t)
	page.next(t)
	began := time.Now()
	again.tell(syscall.SIGINT)
	again.exitsWithin(patience)
	t.Logf("Ctrl-C took %s", time.Since(began))
	if n := postmasters(data); n != 0 {
		t.Errorf("%d postmasters are left", n)
	}
	if out := again.output(); !strings.HasSuffix(out, "\nStopped. Everything is kept for next time.") {
		t.Errorf("dev ended without its last line:\n%s", out)
	}
	if log, err := os.ReadFile(filepath.Join(data, "dev.log")); err != nil || bytes.Contains(log, []byte("level=ERROR")) || !bytes.Contains(log, []byte("worker is stopping")) {
		t.Errorf("the log has no end, or has errors: %v\n%s", err, log)
	}
}

// TestDevStoppedWhileStarting: Ctrl-C at any moment of the start stops everything without an error.
func TestDevStoppedWhileStarting(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	for d := filepath.Dir(data); d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o711); err != nil {
			t.Fatal(err)
		}
	}
	for _, moment := range []string{`Starting Postgres`, `postgres ready`, `name=001_reader`, `catalogue loaded`} {
		p := launch(t, "", []string{"SECRET_KEY="}, "dev", "--verbose", "--data", data)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		seen := make(chan struct{})
		var once sync.Once
		go func() {
			for line := range p.line {
				if strings.Contains(line, moment) || strings.Contains(line, "Ctrl-C stops everything") { // a step of an earlier run is not repeated
					once.Do(func() { close(seen) })
				}
			}
		}()
		select {
		case <-seen:
			p.tell(syscall.SIGINT)
		case <-p.done:
			t.Errorf("dev ended before %q", moment)
		case <-ctx.Done():
			t.Fatalf("dev neither logged %q nor was ready", moment)
		}
		cancel()
		p.exitsWithin(patience)
		if n := postmasters(data); n != 0 {
			t.Errorf("after %q: %d postmasters are left", moment, n)
		}
	}
}
