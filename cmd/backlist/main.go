// Command backlist is the reading site and its back office; run it without arguments for the list of commands.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // readers' time zones, on machines that have none of their own

	"github.com/backlist/backlist/internal/app"
)

func main() {
	// The handler stays for the whole run: a platform may send SIGTERM more than once, and the second must not kill.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := app.Run(ctx, app.Env{Args: os.Args[1:], Getenv: os.Getenv, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr})
	if err != nil {
		fmt.Fprintln(os.Stderr, "backlist:", err)
		os.Exit(app.ExitCode(err))
	}
}
