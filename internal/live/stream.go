package live

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/a-h/templ"
)

const (
	// pingEvery keeps a stream open: a platform's router cuts one that is silent for 55 s.
	pingEvery = 20 * time.Second
	// eventTime bounds the queries and the rendering of one event.
	eventTime = 10 * time.Second
	// patience is how long a browser may take to read an event. Without it, a browser that reads nothing would keep its
	// stream open, and a stopping process waiting.
	patience = 10 * time.Second
)

// Page is what a stream sends.
type Page struct {
	// Allowed is called before every event but the first, which the request's own check covers. An error ends the stream.
	Allowed func(ctx context.Context) error
	// Now returns the page as it is now, or nil if there is nothing to send.
	Now func(ctx context.Context) (templ.Component, error)
}

// Stream sends the page at once, and again at each notice of the topic, until the browser leaves, the hub closes or an
// error occurs. The error is only for the log: the status has been sent, and browsers connect again after any end.
func (s *Subscription) Stream(w http.ResponseWriter, r *http.Request, page Page) error {
	ctx, control := r.Context(), http.NewResponseController(w)
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	out := packed(w, r)
	defer out.Close()
	w.WriteHeader(http.StatusOK)
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()

	event, err := page.event(ctx, false)
	for {
		if err == nil && event != nil {
			err = send(out, control, event)
		}
		if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.hub.closing:
			return nil
		case <-s.changed:
			event, err = page.event(ctx, true)
		case <-ping.C:
			event = []byte(":\n\n")
		}
	}
}

// event renders the page as one event: each line of the markup behind "data: ", then an empty line.
func (p Page) event(ctx context.Context, again bool) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, eventTime)
	defer cancel()
	if again {
		if err := p.Allowed(ctx); err != nil {
			return nil, err
		}
	}
	now, err := p.Now(ctx)
	if err != nil || now == nil {
		return nil, err
	}
	var markup, event bytes.Buffer
	if err := now.Render(ctx, &markup); err != nil {
		return nil, err
	}
	for line := range strings.Lines(markup.String()) {
		event.WriteString("data: " + strings.TrimRight(line, "\r\n") + "\n")
	}
	event.WriteString("\n")
	return event.Bytes(), nil
}

// send writes the event within patience. It then removes the deadline, because a stream may be silent between events.
func send(out flushWriter, control *http.ResponseController, event []byte) error {
	if err := control.SetWriteDeadline(time.Now().Add(patience)); err != nil {
		return fmt.Errorf("bound a write to a stream: %w", err)
	}
	_, err := out.Write(event)
	if err := errors.Join(err, out.Flush(), control.Flush()); err != nil {
		return err
	}
	return control.SetWriteDeadline(time.Time{})
}

// flushWriter is the body of a stream.
type flushWriter interface {
	io.WriteCloser
	Flush() error
}

// packed returns the body, compressed if the browser accepts it: events repeat most of their markup, so that an event after the
// first takes a tenth.
func packed(w http.ResponseWriter, r *http.Request) flushWriter {
	w.Header().Add("Vary", "Accept-Encoding")
	if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		return unpacked{w}
	}
	w.Header().Set("Content-Encoding", "gzip")
	packed, _ := gzip.NewWriterLevel(w, gzip.BestSpeed) // fails for unknown levels only
	return packed
}

// unpacked is a body that is not compressed.
type unpacked struct{ io.Writer }

func (unpacked) Flush() error { return nil }
func (unpacked) Close() error { return nil }
