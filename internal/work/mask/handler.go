package mask

import (
	"context"
	"log/slog"

	"github.com/backlist/backlist/internal/work/bound"
)

// Handler is a slog.Handler that masks addresses and shortens long texts.
type Handler struct{ slog.Handler }

// Handle masks a record and passes it on.
func (h Handler) Handle(ctx context.Context, r slog.Record) error {
	clean := slog.NewRecord(r.Time, r.Level, Addresses(bound.Text(r.Message, bound.Line)), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		clean.AddAttrs(attr(a))
		return true
	})
	return h.Handler.Handle(ctx, clean)
}

// WithAttrs masks attributes that all records share.
func (h Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	clean := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		clean[i] = attr(a)
	}
	return Handler{h.Handler.WithAttrs(clean)}
}

// WithGroup begins a group.
func (h Handler) WithGroup(name string) slog.Handler { return Handler{h.Handler.WithGroup(name)} }

// attr masks an attribute. It returns values without an address unchanged.
func attr(a slog.Attr) slog.Attr {
	v := a.Value.Resolve()
	switch v.Kind() {
	case slog.KindGroup:
		var clean []slog.Attr
		for _, member := range v.Group() {
			clean = append(clean, attr(member))
		}
		return slog.Attr{Key: a.Key, Value: slog.GroupValue(clean...)}
	case slog.KindString, slog.KindAny:
		text := v.String()
		if clean := Addresses(bound.Text(text, bound.Line)); clean != text {
			return slog.String(a.Key, clean)
		}
	}
	return a
}
