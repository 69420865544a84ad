package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// Main is the program: it runs the command that the process's arguments name, and returns its exit code.
func Main() int {
	// The handler stays for the whole run: a platform may send SIGTERM more than once, and the second must not kill.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// Who is heard of no more, as after "| head", ends as if told to. The signal would end it at once, and leave behind a private
	// Postgres that it runs.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	unheard := func() { cancel(syscall.EPIPE) }
	err := Run(ctx, Env{
		Args: os.Args[1:], Getenv: os.Getenv, Stdin: os.Stdin, Stdout: &output{os.Stdout, unheard}, Stderr: &output{os.Stderr, unheard},
	})
	if err != nil && !errors.Is(context.Cause(ctx), syscall.EPIPE) {
		fmt.Fprintln(os.Stderr, "backlist:", err)
	}
	return ExitCode(err)
}

// output is a file of which it matters that somebody reads it.
type output struct {
	file    *os.File
	unheard func() // called when nobody does any more
}

func (o *output) Write(text []byte) (int, error) {
	n, err := o.file.Write(text)
	if errors.Is(err, syscall.EPIPE) {
		o.unheard()
	}
	return n, err
}

// forChild is what a command that we run writes to: the file itself, which may be a terminal.
func forChild(w io.Writer) io.Writer {
	if o, ok := w.(*output); ok {
		return o.file
	}
	return w
}
