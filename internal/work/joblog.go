package work

import (
	"context"
	"io"
	"log/slog"
	"sync"

	"github.com/riverqueue/river/riverlog"
	"github.com/riverqueue/river/rivertype"
)

const (
	// logMost is what is kept of an attempt's log with its job, in bytes.
	logMost = 16 << 10
	// logsMost is what all attempts of a job may keep together; the oldest go first.
	logsMost = 64 << 10
)

// Log is the logger of the job that runs with ctx: its lines go to the process's log, marked with the job, and are kept
// with the job. What is kept is for operators: ids and facts, no secrets; addresses are masked. Where no job runs, lines
// go nowhere.
func Log(ctx context.Context) *slog.Logger {
	l, ok := ctx.Value(jobLogKey{}).(*jobLog)
	if !ok {
		return slog.New(slog.DiscardHandler)
	}
	return l.logger()
}

type jobLogKey struct{}

// jobLog makes its logger when a job first logs: most never do.
type jobLog struct {
	logger func() *slog.Logger
}

// keepLog is River's own way of keeping logs with jobs, in their metadata.
func keepLog(log *slog.Logger) rivertype.Middleware {
	return riverlog.NewMiddlewareCustomContext(func(ctx context.Context, w io.Writer) context.Context {
		a := attemptOf(ctx)
		return context.WithValue(ctx, jobLogKey{}, &jobLog{sync.OnceValue(func() *slog.Logger {
			marked := log.With("job_id", a.jobID, "kind", a.kind, "attempt", a.number)
			kept := slog.NewTextHandler(&bounded{w: w, left: logMost - len(logFull)}, nil)
			return slog.New(slog.NewMultiHandler(marked.Handler(), kept))
		})})
	}, &riverlog.MiddlewareConfig{MaxSizeBytes: logMost, MaxTotalBytes: logsMost})
}

// logFull is the last line of a log that was longer.
const logFull = "more was logged than is kept\n"

// bounded lets so many bytes through, whole lines, without addresses. slog writes one line at a time.
type bounded struct {
	w    io.Writer
	left int
}

func (b *bounded) Write(line []byte) (int, error) {
	masked := address.ReplaceAll(line, []byte("(address)"))
	switch {
	case b.left < 0:
		return len(line), nil
	case len(masked) > b.left:
		masked, b.left = []byte(logFull), 0
	}
	b.left -= len(masked)
	_, err := b.w.Write(masked)
	return len(line), err
}
