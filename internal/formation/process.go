package formation

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"sync/atomic"
	"syscall"
	"time"
)

// stopLimit is how long Heroku lets a process continue after SIGTERM.
const stopLimit = 30 * time.Second

// Command says how to start a process. Name and Args must be set.
type Command struct {
	Name  string            // as the platform names it, worker.2: for people
	Args  []string          // the program and its arguments; it must stop at the end of its standard input
	Env   []string          // added to the environment of this process
	Log   io.Writer         // its standard error, and its standard output unless Line is set
	Line  func(line string) // gets its standard output line by line, and its standard error unless Log is set
	Grace time.Duration     // from SIGTERM to SIGKILL; 0: 30 s, as on Heroku
}

// Process is a child process.
type Process struct {
	Name  string
	Since time.Time // when it was started

	cmd    *exec.Cmd
	grace  time.Duration
	paused atomic.Bool
	done   chan struct{}
	err    error // once done
}

// Start starts a process. Its error is a sentence for the user.
func Start(c Command) (*Process, error) {
	cmd := exec.Command(c.Args[0], c.Args[1:]...) // not bound to a context: Stop ends it in order
	cmd.Env = append(os.Environ(), c.Env...)
	cmd.Stdout, cmd.Stderr = c.Log, c.Log
	out := &lines{each: c.Line}
	if c.Line != nil {
		cmd.Stdout = out
	}
	if c.Line != nil && c.Log == nil {
		cmd.Stderr = out
	}
	cmd.SysProcAttr = attributes()
	cmd.WaitDelay = time.Second                // a process that the child has started may hold its output open
	if _, err := cmd.StdinPipe(); err != nil { // open until one of the two processes ends
		return nil, cannotStart(c, err)
	}
	if err := cmd.Start(); err != nil {
		return nil, cannotStart(c, err)
	}
	p := &Process{Name: c.Name, Since: time.Now(), cmd: cmd, grace: cmp.Or(c.Grace, stopLimit), done: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		out.end()
		close(p.done)
	}()
	return p, nil
}

func cannotStart(c Command, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s cannot start: the program was removed or rebuilt since this process started; start this process again: %w", c.Name, err)
	case errors.Is(err, syscall.ENOMEM), errors.Is(err, syscall.EAGAIN):
		return fmt.Errorf("%s cannot start: the machine has no memory left for it, or too many processes: %w", c.Name, err)
	}
	return fmt.Errorf("%s cannot start: %w", c.Name, err)
}

// PID returns the process's number.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done returns a channel that is closed when the process has ended and all its output has been read.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err returns how the process ended: nil if it exited with 0. It must be called after Done.
func (p *Process) Err() error { return p.err }

// Signal sends the process a signal. One that has ended gets none, which is no error.
func (p *Process) Signal(s os.Signal) { _ = p.cmd.Process.Signal(s) }

// Kill ends the process at once.
func (p *Process) Kill() { p.Signal(syscall.SIGKILL) }

// Pause suspends the process until Continue.
func (p *Process) Pause() {
	p.paused.Store(true)
	p.Signal(syscall.SIGSTOP)
}

// Continue continues a paused process.
func (p *Process) Continue() {
	p.Signal(syscall.SIGCONT)
	p.paused.Store(false)
}

// Stop ends the process as a platform does: it sends SIGTERM, kills the process if it has not ended when its grace is over, waits
// for its end, and returns how it ended.
func (p *Process) Stop() error {
	p.Signal(syscall.SIGTERM)
	p.Continue() // a paused process gets no other signal
	insist := time.AfterFunc(p.grace, p.Kill)
	defer insist.Stop()
	<-p.done
	return p.err
}
