package work

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/backlist/backlist/internal/work/record"
)

// linesASecond is how many attempts that ended well are logged each second: a worker may do thousands, all of which
// work.attempt has. What went wrong is always logged.
const linesASecond = 20

// attemptLines logs a line an attempt: what ran, how long it had waited, how long it took, how it ended.
type attemptLines struct {
	out *slog.Logger

	mu     sync.Mutex
	second time.Time
	lines  int // written in that second
	silent int // not written since the last that was
}

// log writes the line of an attempt that ended with err.
func (l *attemptLines) log(ctx context.Context, a *record.Attempt, err error) {
	silent, quiet := 0, false
	if err == nil {
		if silent, quiet = l.account(time.Now()); quiet {
			return
		}
	}
	attrs := []any{
		"job_id", a.JobID, "kind", a.Kind, "attempt", a.Number, "wait_ms", a.Started.Sub(a.Due).Milliseconds(), "run_ms", a.Run.Milliseconds(),
	}
	if id := a.Origin.RequestID; id != "" {
		attrs = append(attrs, "request_id", id)
	}
	if silent > 0 {
		attrs = append(attrs, "done_without_line", silent)
	}
	switch {
	case err == nil:
		l.out.InfoContext(ctx, "job done", attrs...)
	case errors.Is(err, ErrLost):
		l.out.WarnContext(ctx, "job lost to another attempt: nothing was changed", attrs...)
	default:
		l.out.WarnContext(ctx, "job not done", append(attrs, "err", err)...)
	}
}

// account reports whether an attempt gets no line, or how many had none before it.
func (l *attemptLines) account(at time.Time) (silent int, quiet bool) {
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
