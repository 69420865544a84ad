package pilot

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river/riverdriver"
)

// Listener shows the line to River as one of its own listeners. River never learns that a connection was lost: it would
// wait longer after each loss, up to a minute, before it listens again, while the line is back at once. What was told
// in between is found by River's polls.
type Listener struct{ line *Line }

var _ riverdriver.Listener = (*Listener)(nil)

// Connect waits until the line is up.
func (n *Listener) Connect(ctx context.Context) error {
	n.line.mu.Lock()
	up := n.line.up
	n.line.mu.Unlock()
	select {
	case <-up:
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
	return n.tell(ctx, func(ctx context.Context, conn *pgx.Conn) error { return n.line.listen(ctx, conn, topic) })
}

// Unlisten ends a subscription.
func (n *Listener) Unlisten(ctx context.Context, topic string) error {
	n.line.mu.Lock()
	delete(n.line.topics, topic)
	n.line.mu.Unlock()
	return n.tell(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "unlisten "+n.line.channel(topic))
		return err
	})
}

// tell does something on the present connection. If there is none, the next one begins with all topics.
func (n *Listener) tell(ctx context.Context, do func(ctx context.Context, conn *pgx.Conn) error) error {
	if err := n.line.Do(ctx, do); !errors.Is(err, errLineDown) {
		return err
	}
	return nil
}

// Ping has nothing to do: the beats try the connection every second.
func (n *Listener) Ping(context.Context) error { return nil }

// Schema is where River's tables are.
func (n *Listener) Schema() string { return n.line.Schema }

// SetAfterConnectExec is for River's own tests.
func (n *Listener) SetAfterConnectExec(string) {}

// WaitForNotification returns River's next notice.
func (n *Listener) WaitForNotification(ctx context.Context) (*riverdriver.Notification, error) {
	select {
	case notice := <-n.line.notices:
		return notice, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
