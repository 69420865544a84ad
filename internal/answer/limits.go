package answer

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Limits bound one request. Each route has its own: a form is small, an import is large, a stream does not end.
type Limits struct {
	Time time.Duration // until the answer, including waits for a database connection; 0: no limit, for streams
	Body int64         // bytes of the request's body; a larger one is answered with 413
}

// writeTime is how long the answer may take to reach the client once a route's time is over.
const writeTime = 5 * time.Second

func (l Limits) apply(w http.ResponseWriter, r *http.Request) (*http.Request, context.CancelFunc, error) {
	r.Body = http.MaxBytesReader(w, r.Body, l.Body)
	if l.Time == 0 {
		return r, func() {}, nil
	}
	err := extend(w, r, l.Time+writeTime)
	ctx, cancel := context.WithTimeout(r.Context(), l.Time)
	return r.WithContext(ctx), cancel, err
}

// extend moves the connection's deadlines where the server's own timeouts are shorter than d.
func extend(w http.ResponseWriter, r *http.Request, d time.Duration) error {
	server, ok := r.Context().Value(http.ServerContextKey).(*http.Server)
	if !ok {
		return nil
	}
	shorter := func(timeout time.Duration) bool { return timeout > 0 && timeout < d }
	if !shorter(server.ReadTimeout) && !shorter(server.WriteTimeout) {
		return nil
	}
	control, end := http.NewResponseController(w), time.Now().Add(d)
	if err := errors.Join(control.SetReadDeadline(end), control.SetWriteDeadline(end)); err != nil {
		return fmt.Errorf("extend the connection's deadlines: %w", err)
	}
	return nil
}
