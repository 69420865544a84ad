package answer

import (
	"bytes"
	"context"
	"net/http"

	"github.com/a-h/templ"

	"github.com/backlist/backlist/internal/trace"
)

// Render writes the component to a buffer first, so that an error in it can still become an error page. A handler sets
// Cache-Control first, unless browsers may keep the page and revalidate it.
func Render(w http.ResponseWriter, r *http.Request, status int, c templ.Component) error {
	var buf bytes.Buffer
	err := trace.Step(r.Context(), "render", func(ctx context.Context) error { return c.Render(ctx, &buf) })
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "private, no-cache")
	}
	h.Add("Vary", "Cookie")
	w.WriteHeader(status)
	_, _ = w.Write(buf.Bytes()) // an error means that the client left
	return nil
}
