package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/backlist/backlist/internal/formation"
)

// Process is a child process that serves. Its log goes to a file.
type Process struct {
	*formation.Process
	Addr string // its first line of output
}

// startTime is how long a process may take to print its first line.
const startTime = time.Minute

// Start runs a program whose first line of output is the address at which it serves, and waits for that line.
func Start(ctx context.Context, logFile string, env []string, program string, args ...string) (*Process, error) {
	log, err := os.Create(logFile)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	name, line := strings.Join(args, " "), make(chan string, 1)
	p := &Process{}
	p.Process, err = formation.Start(formation.Command{
		Name: name, Args: append([]string{program}, args...), Env: env, Log: log, Line: func(text string) {
			select {
			case line <- text:
			default: // only the first matters
			}
		},
	})
	if err != nil {
		return nil, err
	}
	timer := time.NewTimer(startTime)
	defer timer.Stop()
	select {
	case p.Addr = <-line:
		return p, nil
	case <-p.Done():
		err = errors.New("it ended")
	case <-timer.C:
		err = fmt.Errorf("it printed nothing within %s", startTime)
	case <-ctx.Done():
		err = ctx.Err()
	}
	return nil, fmt.Errorf("start %s: %w; its log ends: %s", name, errors.Join(err, p.Stop()), tail(logFile))
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
