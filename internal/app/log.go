package app

import (
	"io"
	"log/slog"

	"github.com/backlist/backlist/internal/config"
)

// newLogger writes one line for each event, in logfmt or, by LOG_FORMAT, in JSON. On Heroku the platform adds the time.
func newLogger(w io.Writer, cfg config.Config) *slog.Logger {
	opts := &slog.HandlerOptions{}
	if cfg.OnHeroku {
		opts.ReplaceAttr = func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}
	}
	if cfg.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, opts))
	}
	return slog.New(slog.NewTextHandler(w, opts))
}
