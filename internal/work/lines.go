package work

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/backlist/backlist/internal/work/record"
)

// linesASecond is how many successful attempts are logged each second: a worker may run thousands, and work.attempt has them
// all. Every other attempt is logged.
const linesASecond = 20

// attemptLines logs one line per attempt: what ran, how long it had waited, how long it took and how it ended.
type attemptLines struct {
	out *slog.Logger

	mu     sync.Mutex
	second time.Time
	lines  int // written in that second
	silent int // attempts without a line since the last line
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
		l.out.WarnContext(ctx, "job did not complete", append(attrs, "err", err)...)
	}
}

// account reports whether a successful attempt goes without a line (quiet); if not, silent is how many before it did.
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
