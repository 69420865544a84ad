package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// Process is a child process that serves. Its standard input is a pipe that is closed when this process ends for any reason, so
// that the child can end as well. Its log goes to a file.
type Process struct {
	Addr string // its first line of output

	cmd   *exec.Cmd
	stdin io.Closer
	log   *os.File
}

const (
	startTime = time.Minute      // for a process to print its first line
	stopTime  = 30 * time.Second // for it to end after SIGTERM
)

// Start runs a program whose first line of output is the address at which it serves, and waits for that line.
func Start(ctx context.Context, logFile string, env []string, program string, args ...string) (_ *Process, err error) {
	p := &Process{}
	if p.log, err = os.Create(logFile); err != nil {
		return nil, err
	}
	p.cmd = exec.Command(program, args...) // Stop ends it in order
	p.cmd.Env, p.cmd.Stderr = append(os.Environ(), env...), p.log
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, errors.Join(err, p.log.Close())
	}
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, errors.Join(err, p.log.Close())
	}
	if err := p.cmd.Start(); err != nil {
		return nil, errors.Join(err, p.log.Close())
	}
	line := make(chan string, 1)
	go func() {
		text, _ := bufio.NewReader(out).ReadString('\n')
		line <- strings.TrimSpace(text)
	}()
	timer := time.NewTimer(startTime)
	defer timer.Stop()
	select {
	case p.Addr = <-line:
		if p.Addr != "" {
			return p, nil
		}
		err = errors.New("it ended")
	case <-timer.C:
		err = fmt.Errorf("it printed nothing within %s", startTime)
	case <-ctx.Done():
		err = ctx.Err()
	}
	return nil, fmt.Errorf("start %s: %w; its log ends: %s", strings.Join(args, " "), errors.Join(err, p.Stop()), tail(logFile))
}

// PID is the process's number.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Stop sends SIGTERM, waits for the process to end, and kills it after stopTime.
func (p *Process) Stop() error {
	defer p.log.Close()
	defer p.stdin.Close()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	insist := time.AfterFunc(stopTime, func() { _ = p.cmd.Process.Kill() })
	defer insist.Stop()
	return p.cmd.Wait()
}

// tail returns the end of a file for an error message.
func tail(file string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	const most = 2000
	return strings.TrimSpace(string(text[max(0, len(text)-most):]))
}
