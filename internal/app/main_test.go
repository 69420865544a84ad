package app

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"regexp"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/backlist/backlist/internal/testdb"
)

// Variables for processes of the test binary.
const (
	// asProgram makes the test binary run as the program, so that tests can start real processes.
	asProgram = "BACKLIST_TEST_AS_PROGRAM"
	// productionTime, where set, bounds web requests as in production. Otherwise they may take a minute, so that a busy machine
	// fails no test.
	productionTime = "BACKLIST_TEST_PRODUCTION_TIME"
	// plainProgram, where set, names this test binary built without the race detector. CI sets it for some measurements and for
	// seeding, which are many times slower with the detector (see plain).
	plainProgram = "BACKLIST_TEST_PLAIN_PROGRAM"
)

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) == "" {
		testdb.Main(m)
	}
	if os.Getenv(productionTime) != "" {
		os.Exit(Main())
	}
	os.Exit(runProcess(time.Minute))
}

// patience is how long a test waits for something that should happen soon. It is long because the machine may be busy; the
// program promises nothing about it.
const patience = 2 * time.Minute

// process is a running command of the program.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	URL  string // of a web process
	mu   sync.Mutex
	log  []string // lines of its output
	line chan string
	done chan struct{} // closed when it has ended
	err  error         // its exit error; nil for success
}

// readyLine is the line that web and worker log when they serve.
var readyLine = regexp.MustCompile(`msg="(?:web|worker) is ready".*`)

// start runs a command as a process of its own and returns when it is ready. env is added to a bare environment with
// DATABASE_URL, a secret and any free port. The process is killed when the test ends.
func start(t *testing.T, databaseURL string, env []string, args ...string) *process {
	t.Helper()
	p := launch(t, databaseURL, env, args...)
	ready := p.waitFor(readyLine)
	if port := regexp.MustCompile(`addr=\S*:(\d+)`).FindStringSubmatch(ready); port != nil {
		p.URL = "http://localhost:" + port[1]
	}
	return p
}

// launch is like start, but does not wait.
func launch(t *testing.T, databaseURL string, env []string, args ...string) *process {
	t.Helper()
	return launchFrom(t, self(t), databaseURL, env, args...)
}

// launchFrom is like launch, with the program's file.
func launchFrom(t *testing.T, file, databaseURL string, env []string, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(file, args...), line: make(chan string, 10_000), done: make(chan struct{})}
	p.cmd.Env = append([]string{
		asProgram + "=1", "DATABASE_URL=" + databaseURL, "SECRET_KEY=a secret only for tests", "PORT=0",
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "TMPDIR=" + os.TempDir(),
	}, env...)
	out, in := io.Pipe()
	p.cmd.Stdout, p.cmd.Stderr = in, in
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go p.read(out)
	go func() {
		p.err = p.cmd.Wait()
		in.Close()
		close(p.done)
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.done
		if t.Failed() {
			p.mu.Lock()
			defer p.mu.Unlock()
			for _, line := range p.log {
				t.Log(args[0]+":", line)
			}
		}
	})
	return p
}

// self returns the file of the test binary.
func self(t *testing.T) string {
	t.Helper()
	file, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// plain returns the file of the program for tests that check what it writes, while other tests run the same code with the race
// detector.
func plain(t *testing.T) string {
	t.Helper()
	if file := os.Getenv(plainProgram); file != "" {
		return file
	}
	return self(t)
}

func (p *process) read(out io.Reader) {
	defer close(p.line)
	scanner := bufio.NewScanner(out)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		p.mu.Lock()
		p.log = append(p.log, scanner.Text())
		p.mu.Unlock()
		select {
		case p.line <- scanner.Text():
		default: // the buffer is full because the test no longer waits for lines
		}
	}
}

// waitFor returns the first line from now on that matches, and fails the test if the process ends without it.
func (p *process) waitFor(pattern *regexp.Regexp) string {
	p.t.Helper()
	timeout := time.After(patience)
	for {
		select {
		case line, ok := <-p.line:
			if !ok {
				p.t.Fatalf("the process ended without a line that matches %s", pattern)
			}
			if pattern.MatchString(line) {
				return line
			}
		case <-timeout:
			p.t.Fatalf("no line matches %s within %s", pattern, patience)
		}
	}
}

// stop sends SIGTERM, as a platform does, and returns the process's exit error.
func (p *process) stop() error {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	<-p.done
	return p.err
}

// kill sends SIGKILL, which is like a crash.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
}

// seeded returns the URL of a new database with the catalogue and the invented readers.
func seeded(t *testing.T) string {
	t.Helper()
	url := testdb.NewURL(t)
	p := launchFrom(t, plain(t), url, nil, "seed", "--demo")
	<-p.done
	if p.err != nil {
		t.Fatalf("seed: %v", p.err)
	}
	return url
}
