package formation

import (
	"context"
	"io"
)

// Attached returns a context for a process that Start has started. It ends with ctx, and when standard input ends, which means
// that the process at its other side has ended.
func Attached(ctx context.Context, stdin io.Reader) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		_, _ = io.Copy(io.Discard, stdin) // an error ends it too
		cancel()
	}()
	return ctx, cancel
}
