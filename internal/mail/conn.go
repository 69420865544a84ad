package mail

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
	"time"
)

// grace is how long a conversation with the mail server may go on when the worker is told to stop: long enough to hear
// whether a letter was taken, short enough for the 30 s that a platform gives a process.
const grace = 3 * time.Second

// tied is a connection that ends soon after its context. go-mail heeds a context only until it is connected, and closes
// no connection that has failed; whoever opens one here calls release.
type tied struct {
	net.Conn
	release func()

	mu  sync.Mutex
	end time.Time // zero until the context has ended
}

func tie(ctx context.Context, conn net.Conn, grace time.Duration) *tied {
	c := &tied{Conn: conn}
	stop := context.AfterFunc(ctx, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.end = time.Now().Add(grace)
		_ = conn.SetDeadline(c.end) // it fails on a closed connection, which is as good
	})
	c.release = func() {
		stop()
		_ = conn.Close() // mostly closed already by the farewell
	}
	return c
}

// SetDeadline moves the deadline, never beyond the end.
func (c *tied) SetDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.end.IsZero() && t.After(c.end) {
		t = c.end
	}
	return c.Conn.SetDeadline(t)
}

// dialer opens one connection to the mail server, tied to ctx, and remembers it to be released.
type dialer struct {
	ctx    context.Context // the attempt's: the one that go-mail passes ends with the dialling
	grace  time.Duration   // see grace
	secure *tls.Config     // begin with TLS; nil: do not
	conn   *tied
}

func (d *dialer) dial(dialCtx context.Context, network, address string) (net.Conn, error) {
	raw, err := (&net.Dialer{}).DialContext(dialCtx, network, address)
	if err != nil {
		return nil, err
	}
	d.conn = tie(d.ctx, raw, d.grace)
	if d.secure == nil {
		return d.conn, nil
	}
	secured := tls.Client(d.conn, d.secure)
	if err := secured.HandshakeContext(dialCtx); err != nil {
		return nil, err
	}
	return secured, nil
}

func (d *dialer) release() {
	if d.conn != nil {
		d.conn.release()
	}
}
