package app

import (
	"io"
	"log/slog"

	"github.com/backlist/backlist/internal/config"
)

// newLogger writes a line an event: logfmt, or JSON where LOG_FORMAT says so. On Heroku the platform stamps the time.
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
