package work

import (
	"context"
	"io"
	"log/slog"

	"github.com/riverqueue/river/riverlog"
	"github.com/riverqueue/river/rivertype"

	"github.com/backlist/backlist/internal/work/mask"
)

const (
	// logMost is what is kept of an attempt's log with its job, in bytes.
	logMost = 16 << 10
	// logsMost is what all attempts of a job may keep together; the oldest go first.
	logsMost = 64 << 10
)

// Log returns the logger of the job that runs with ctx: its lines go to the process's log, marked with the job, and are stored
// with the job. They are for operators: ids and facts, no secrets; addresses are masked. Where no job runs, lines are discarded.
func Log(ctx context.Context) *slog.Logger {
	r := runOf(ctx)
	if r == nil || r.kept == nil {
		return slog.New(slog.DiscardHandler)
	}
	r.logging.Do(func() {
		marked := r.worker.opts.Log.With("job_id", r.job.ID, "kind", r.job.Kind, "attempt", r.job.Attempt)
		kept := slog.NewTextHandler(&bounded{w: r.kept, left: logMost - len(logFull)}, nil)
		r.logger = slog.New(mask.Handler{Handler: slog.NewMultiHandler(marked.Handler(), kept)})
	})
	return r.logger
}

// keepLog is River's own way of storing logs with jobs, in their metadata.
func keepLog() rivertype.Middleware {
	return riverlog.NewMiddlewareCustomContext(func(ctx context.Context, w io.Writer) context.Context {
		runOf(ctx).kept = w
		return ctx
	}, &riverlog.MiddlewareConfig{MaxSizeBytes: logMost, MaxTotalBytes: logsMost})
}

// logFull is the last line of a log that was longer.
const logFull = "more was logged than is kept\n"

// bounded lets so many bytes through, in whole lines. slog writes one line at a time.
type bounded struct {
	w    io.Writer
	left int
}

func (b *bounded) Write(line []byte) (int, error) {
	kept := line
	switch {
	case b.left < 0:
		return len(line), nil
	case len(line) > b.left:
		kept, b.left = []byte(logFull), 0
	}
	b.left -= len(kept)
	_, err := b.w.Write(kept)
	return len(line), err
}
