package bench

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Events reads a server's event stream, event by event.
type Events struct {
	body  io.ReadCloser
	lines *bufio.Reader
}

// OpenEvents sends the request and returns the response's stream, which the caller must close. The client must not have
// a timeout.
func OpenEvents(ctx context.Context, client *http.Client, r *http.Request) (*Events, error) {
	resp, err := client.Do(r.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	if kind := resp.Header.Get("Content-Type"); resp.StatusCode != http.StatusOK || !strings.HasPrefix(kind, "text/event-stream") {
		resp.Body.Close()
		return nil, fmt.Errorf("%s answered %s (%s), not an event stream", r.URL.Path, resp.Status, kind)
	}
	return &Events{resp.Body, bufio.NewReader(resp.Body)}, nil
}

// Next waits for an event and returns its data. It skips comments.
func (e *Events) Next() (string, error) {
	var data strings.Builder
	for {
		line, err := e.lines.ReadString('\n')
		if err != nil {
			return "", err
		}
		line = strings.TrimRight(line, "\r\n")
		if text, ok := strings.CutPrefix(line, "data:"); ok {
			data.WriteString(strings.TrimPrefix(text, " ") + "\n")
		}
		if line == "" && data.Len() > 0 {
			return data.String(), nil
		}
	}
}

// Close ends the stream.
func (e *Events) Close() error { return e.body.Close() }
