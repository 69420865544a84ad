package pilot

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river/riverdriver"
)

// Listener shows the line to River as one of its own listeners. River closes and connects it again as it likes; the
// connection behind it stays.
type Listener struct {
	line *Line
	down chan struct{} // of the connection that Connect found
}

var _ riverdriver.Listener = (*Listener)(nil)

// Connect waits until the line is up.
func (n *Listener) Connect(ctx context.Context) error {
	n.line.mu.Lock()
	up, down := n.line.up, n.line.down
	n.line.mu.Unlock()
	select {
	case <-up:
		n.down = down
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close forgets what River listened to. Notices that come nevertheless harm nobody.
func (n *Listener) Close(context.Context) error {
	n.line.mu.Lock()
	defer n.line.mu.Unlock()
	clear(n.line.topics)
	return nil
}

// Listen subscribes to one of River's topics, now and on every later connection.
func (n *Listener) Listen(ctx context.Context, topic string) error {
	n.line.mu.Lock()
	n.line.topics[topic] = true
	n.line.mu.Unlock()
	return n.line.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "listen "+n.line.channel(topic))
		return err
	})
}

// Unlisten ends a subscription.
func (n *Listener) Unlisten(ctx context.Context, topic string) error {
	n.line.mu.Lock()
	delete(n.line.topics, topic)
	n.line.mu.Unlock()
	return n.line.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "unlisten "+n.line.channel(topic))
		return err
	})
}

// Ping reports whether the connection that Connect found is still there; the beats try it every second.
func (n *Listener) Ping(context.Context) error {
	select {
	case <-n.down:
		return errLineDown
	default:
		return nil
	}
}

// Schema is where River's tables are.
func (n *Listener) Schema() string { return n.line.Schema }

// SetAfterConnectExec is for River's own tests.
func (n *Listener) SetAfterConnectExec(string) {}

// WaitForNotification returns River's next notice. When the connection was lost it returns an error, so that River
// looks for what it may have missed.
func (n *Listener) WaitForNotification(ctx context.Context) (*riverdriver.Notification, error) {
	select {
	case notice := <-n.line.notices:
		return notice, nil
	case <-n.down:
		return nil, errLineDown
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
