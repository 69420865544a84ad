package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// Main runs the command that the process's arguments name and returns its exit code.
func Main() int { return runProcess(0) }

// runProcess is Main with a bound on web requests, which tests raise.
func runProcess(requestTime time.Duration) int {
	// The handler stays for the whole run, because a platform may send SIGTERM more than once and the second must not kill.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A closed pipe, as in "| head", counts as a request to stop. The default action of SIGPIPE would end the process at once
	// and leave its private Postgres running.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	closed := func() { cancel(syscall.EPIPE) }
	err := Run(ctx, Env{
		Args: os.Args[1:], Getenv: os.Getenv, Stdin: os.Stdin, Stdout: &output{os.Stdout, closed}, Stderr: &output{os.Stderr, closed},
		RequestTime: requestTime,
	})
	if err != nil && !isSilent(err) && !errors.Is(context.Cause(ctx), syscall.EPIPE) {
		fmt.Fprintln(os.Stderr, "backlist:", err)
	}
	return ExitCode(err)
}

// output is a file that may be a pipe whose reader goes away.
type output struct {
	file   *os.File
	closed func() // called when the pipe has no reader
}

func (o *output) Write(text []byte) (int, error) {
	n, err := o.file.Write(text)
	if errors.Is(err, syscall.EPIPE) {
		o.closed()
	}
	return n, err
}

// forChild returns the output to give to a child process: the file itself, which may be a terminal.
func forChild(w io.Writer) io.Writer {
	if o, ok := w.(*output); ok {
		return o.file
	}
	return w
}
