package app

import (
	"context"
	"io"
	"log/slog"
	"os"

	"github.com/backlist/backlist/internal/busy"
)

// busyLoad runs the demo load until ctx ends. Its worker processes log to output.
func busyLoad(ctx context.Context, log *slog.Logger, output io.Writer, url string, ready func()) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	return busy.Run(ctx, busy.Config{
		URL: url, Program: []string{self, "dev", "--process"}, Log: log.With("process", "busy"), Output: output, Ready: ready,
	})
}

// busyBanner says what the demo load is, and what of it is invented.
const busyBanner = `The demo load: fifteen kinds of an invented bookshop, in every state that a job can be in. Its jobs are real, and so are their
waits, errors and deaths; only its past is invented: all counts from before this start, and the hours in which its errors were
seen before. worker.3 is killed now and then. After two minutes worker.2 runs release v42, under which most send_invoice jobs
fail. When you stop dev, the load's jobs and records are removed; the audit log keeps its acts.

`
