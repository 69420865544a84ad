package live

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Channel is a channel of Postgres whose notices the hub passes on.
type Channel struct {
	Name  string
	Topic func(payload string) (string, error) // the topic of a notice
}

// reconnectAfter is the pause before Listen connects again.
const reconnectAfter = 500 * time.Millisecond

// Listen receives the channels' notices on one connection until ctx ends. If it loses the connection, it connects again
// and then notifies every stream, because notices may have been missed.
func (h *Hub) Listen(ctx context.Context, cfg *pgx.ConnConfig, channels ...Channel) {
	for again := false; ctx.Err() == nil; again = true {
		err := h.listen(ctx, cfg, channels, again)
		if ctx.Err() != nil {
			return
		}
		h.log.WarnContext(ctx, "the notice listener lost its connection", "err", err)
		select {
		case <-ctx.Done():
		case <-time.After(reconnectAfter):
		}
	}
}

func (h *Hub) listen(ctx context.Context, cfg *pgx.ConnConfig, channels []Channel, again bool) error {
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	topics := make(map[string]func(string) (string, error), len(channels))
	for _, c := range channels {
		if _, err := conn.Exec(ctx, "listen "+pgx.Identifier{c.Name}.Sanitize()); err != nil {
			return err
		}
		topics[c.Name] = c.Topic
	}
	if again {
		h.TellAll()
	}
	for {
		n, err := next(ctx, conn)
		if err != nil {
			return err
		}
		if n == nil {
			continue
		}
		topic, err := topics[n.Channel](n.Payload)
		if err != nil {
			h.log.WarnContext(ctx, "a notice could not be read", "channel", n.Channel, "payload", n.Payload, "err", err)
			continue
		}
		h.Tell(topic)
	}
}

// next waits for a notice. If none comes for a while it pings the server and returns nil: a connection whose other end
// has vanished reports no error by itself.
func next(ctx context.Context, conn *pgx.Conn) (*pgconn.Notification, error) {
	const quiet, answer = 15 * time.Second, 5 * time.Second
	wait, cancel := context.WithTimeout(ctx, quiet)
	defer cancel()
	n, err := conn.WaitForNotification(wait)
	if err == nil || ctx.Err() != nil || wait.Err() == nil {
		return n, err
	}
	ping, cancel := context.WithTimeout(ctx, answer)
	defer cancel()
	return nil, conn.Ping(ping)
}
