package busy

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

const (
	// restartIn is how long after its end a process is started again.
	restartIn = time.Second
	// endLimit is how long a process may take to end before it is killed.
	endLimit = 10 * time.Second
)

// post is a worker process that is started again whenever it ends, as a platform does.
type post struct {
	program  []string
	url      string
	log      *slog.Logger
	output   io.Writer // of the processes' logs
	occupied chan struct{}
	first    sync.Once

	mu      sync.Mutex
	role    role
	process *os.Process // nil while none runs
	stdin   io.Closer   // the process stops at its end, even if this process is killed
	worker  string      // its id, once it takes jobs
}

// run keeps a process running until ctx ends, and then stops it. It returns an error if no process can be started.
func (p *post) run(ctx context.Context) error {
	for {
		began := time.Now()
		if err := p.once(ctx); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return nil
		}
		p.log.WarnContext(ctx, "a worker process of the demo load ended; it is started again", "name", p.role.Name, "after", time.Since(began))
		_ = wait(ctx, restartIn)
	}
}

// once runs one process to its end.
func (p *post) once(ctx context.Context) error {
	p.mu.Lock()
	r := p.role
	p.mu.Unlock()
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	cmd := exec.Command(p.program[0], append(p.program[1:len(p.program):len(p.program)], string(text))...)
	cmd.Env = append(os.Environ(), "DATABASE_URL="+p.url)
	cmd.Stderr = p.output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a Ctrl-C at the terminal must reach only dev, which stops this process
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s of the demo load: %w", r.Name, err)
	}
	p.set(cmd.Process, stdin, "")
	stopping := context.AfterFunc(ctx, p.stop)
	insist := context.AfterFunc(ctx, func() {
		_ = wait(context.WithoutCancel(ctx), endLimit)
		p.kill()
	})
	for lines := bufio.NewScanner(out); lines.Scan(); {
		p.set(cmd.Process, stdin, lines.Text())
		p.first.Do(func() { close(p.occupied) })
	}
	_ = cmd.Wait() // it may end by any signal
	p.set(nil, nil, "")
	stopping()
	insist()
	return nil
}

func (p *post) set(process *os.Process, stdin io.Closer, worker string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.process, p.stdin, p.worker = process, stdin, worker
}

// stop asks the process to end.
func (p *post) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stdin != nil {
		_ = p.stdin.Close() // the process may have ended
	}
}

// kill ends the process at once.
func (p *post) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.process != nil {
		_ = p.process.Signal(syscall.SIGKILL) // the same
	}
}

// deploy stops the process; the next one runs another release.
func (p *post) deploy(release string) {
	p.mu.Lock()
	p.role.Release = release
	p.mu.Unlock()
	p.stop()
}

// id returns the id of the worker that runs now, "" if none does.
func (p *post) id() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.worker
}
