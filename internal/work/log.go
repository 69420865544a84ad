package work

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// linesASecond is how many attempts that ended well are logged each second: a worker may do thousands, all of which
// work.attempt has. What went wrong is always logged.
const linesASecond = 20

// attemptLog writes a line an attempt: what ran, how long it had waited, how long it took, how it ended.
type attemptLog struct {
	log *slog.Logger

	mu     sync.Mutex
	second time.Time
	lines  int // written in that second
	silent int // not written since the last that was
}

func (l *attemptLog) middleware() river.WorkerMiddlewareFunc {
	return func(ctx context.Context, job *rivertype.JobRow, doInner func(context.Context) error) error {
		start := time.Now()
		err := doInner(ctx)
		silent, quiet := 0, false
		if err == nil {
			if silent, quiet = l.account(start); quiet {
				return nil
			}
		}
		attrs := []any{
			"job_id", job.ID, "kind", job.Kind, "attempt", job.Attempt,
			"wait_ms", job.AttemptedAt.Sub(dueAt(job)).Milliseconds(), "run_ms", time.Since(start).Milliseconds(),
		}
		if id := originOf(ctx).RequestID; id != "" {
			attrs = append(attrs, "request_id", id)
		}
		if silent > 0 {
			attrs = append(attrs, "done_without_line", silent)
		}
		switch {
		case err == nil:
			l.log.InfoContext(ctx, "job done", attrs...)
		case errors.Is(err, ErrLost):
			l.log.WarnContext(ctx, "job lost to another attempt: nothing was changed", attrs...)
		default:
			l.log.WarnContext(ctx, "job not done", append(attrs, "err", err)...)
		}
		return err
	}
}

// account reports whether an attempt gets no line, or how many had none before it.
func (l *attemptLog) account(at time.Time) (silent int, quiet bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if at.Sub(l.second) >= time.Second {
		l.second, l.lines = at, 0
	}
	if l.lines >= linesASecond {
		l.silent++
		return 0, true
	}
	l.lines++
	silent, l.silent = l.silent, 0
	return silent, false
}
