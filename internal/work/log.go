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
	// logMost is how much of an attempt's log is stored with its job, in bytes.
	logMost = 16 << 10
	// logsMost is how much is stored of the logs of all attempts of a job; the oldest are dropped first.
	logsMost = 64 << 10
)

// Log returns the logger of the job that runs with ctx. Its lines go to the process's log, marked with the job, and are stored
// with the job. They are for operators: log ids and facts, no secrets; addresses are masked. Outside a job, lines are discarded.
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

// keepLog returns River's middleware that stores logs in jobs' metadata.
func keepLog() rivertype.Middleware {
	return riverlog.NewMiddlewareCustomContext(func(ctx context.Context, w io.Writer) context.Context {
		runOf(ctx).kept = w
		return ctx
	}, &riverlog.MiddlewareConfig{MaxSizeBytes: logMost, MaxTotalBytes: logsMost})
}

// logFull is the last line of a log that was cut off.
const logFull = "more was logged than is kept\n"

// bounded writes whole lines to w while they fit into left bytes, then logFull. slog writes one line at a time.
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
