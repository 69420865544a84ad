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

// Process is a child of ours that serves. It gets a pipe as standard input which ends when we do, however we end, so that
// it can end as well; its log goes to a file.
type Process struct {
	Addr string // what its first line of output says

	cmd   *exec.Cmd
	stdin io.Closer
	log   *os.File
}

const (
	startTime = time.Minute      // for a process to say its first line
	stopTime  = 30 * time.Second // for it to end after SIGTERM
)

// Start runs a program of which the first line of output says where it serves, and waits for that line.
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
		err = fmt.Errorf("it said nothing within %s", startTime)
	case <-ctx.Done():
		err = ctx.Err()
	}
	return nil, fmt.Errorf("start %s: %w; its log ends: %s", strings.Join(args, " "), errors.Join(err, p.Stop()), tail(logFile))
}

// PID is the process's number.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Stop asks the process to end, waits for it, and in the end insists.
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

// tail is the end of a file, for an error message.
func tail(file string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	const most = 2000
	return strings.TrimSpace(string(text[max(0, len(text)-most):]))
}
