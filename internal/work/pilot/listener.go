package pilot

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river/riverdriver"
)

// Listener presents the worker's own connection to River as a listener. River never learns that the connection was lost: it
// would wait longer after each loss, up to a minute, before it listens again, while Conn reconnects at once. River's polls make
// up for the notices that were sent in between.
type Listener struct{ conn *Conn }

var _ riverdriver.Listener = (*Listener)(nil)

// Connect waits until there is a connection.
func (n *Listener) Connect(ctx context.Context) error {
	select {
	case <-n.conn.present().up:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close forgets what River listened to. Notices that still come do no harm.
func (n *Listener) Close(context.Context) error {
	n.conn.mu.Lock()
	defer n.conn.mu.Unlock()
	clear(n.conn.topics)
	return nil
}

// Listen subscribes to one of River's topics, now and on every later connection.
func (n *Listener) Listen(ctx context.Context, topic string) error {
	n.conn.mu.Lock()
	n.conn.topics[topic] = true
	n.conn.mu.Unlock()
	return n.tell(ctx, func(ctx context.Context, conn *pgx.Conn) error { return n.conn.listen(ctx, conn, topic) })
}

// Unlisten ends a subscription.
func (n *Listener) Unlisten(ctx context.Context, topic string) error {
	n.conn.mu.Lock()
	delete(n.conn.topics, topic)
	n.conn.mu.Unlock()
	return n.tell(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "unlisten "+n.conn.channel(topic))
		return err
	})
}

// tell runs do on the present connection. If there is none, the next one begins by listening to all topics.
func (n *Listener) tell(ctx context.Context, do func(ctx context.Context, conn *pgx.Conn) error) error {
	if err := n.conn.Do(ctx, do); !errors.Is(err, errDown) {
		return err
	}
	return nil
}

// Ping does nothing: the heartbeats test the connection every second.
func (n *Listener) Ping(context.Context) error { return nil }

// Schema returns the schema of River's tables.
func (n *Listener) Schema() string { return n.conn.Schema }

// SetAfterConnectExec is for River's own tests.
func (n *Listener) SetAfterConnectExec(string) {}

// WaitForNotification returns River's next notice.
func (n *Listener) WaitForNotification(ctx context.Context) (*riverdriver.Notification, error) {
	select {
	case notice := <-n.conn.notices:
		return notice, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
