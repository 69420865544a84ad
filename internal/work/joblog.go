package work

import (
	"context"
	"io"
	"log/slog"

	"github.com/riverqueue/river/riverlog"
	"github.com/riverqueue/river/rivertype"

	"github.com/backlist/backlist/internal/work/bound"
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
		r.logger = slog.New(masking{slog.NewMultiHandler(marked.Handler(), kept)})
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

// masking keeps people's addresses out of what is logged, and long texts.
type masking struct{ slog.Handler }

func (m masking) Handle(ctx context.Context, r slog.Record) error {
	clean := slog.NewRecord(r.Time, r.Level, hideAddresses(bound.Text(r.Message, bound.Line)), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		clean.AddAttrs(maskAttr(a))
		return true
	})
	return m.Handler.Handle(ctx, clean)
}

func (m masking) WithAttrs(attrs []slog.Attr) slog.Handler {
	clean := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		clean[i] = maskAttr(a)
	}
	return masking{m.Handler.WithAttrs(clean)}
}

func (m masking) WithGroup(name string) slog.Handler { return masking{m.Handler.WithGroup(name)} }

// maskAttr leaves what holds no address as it is.
func maskAttr(a slog.Attr) slog.Attr {
	v := a.Value.Resolve()
	switch v.Kind() {
	case slog.KindGroup:
		var clean []slog.Attr
		for _, member := range v.Group() {
			clean = append(clean, maskAttr(member))
		}
		return slog.Attr{Key: a.Key, Value: slog.GroupValue(clean...)}
	case slog.KindString, slog.KindAny:
		text := v.String()
		if clean := hideAddresses(bound.Text(text, bound.Line)); clean != text {
			return slog.String(a.Key, clean)
		}
	}
	return a
}
