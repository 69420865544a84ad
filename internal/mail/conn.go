package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"
)

// grace is how long a conversation with the mail server may go on when the worker is told to stop: long enough to hear
// whether a letter was taken, short enough for the 30 s that a platform gives a process.
const grace = 3 * time.Second

// maxTalk bounds what a mail server may say in one conversation, in bytes as they cross the network. One letter's replies,
// with TLS certificates, come to less than 16 kB; go-mail keeps every reply in memory, and several times over in its errors.
const maxTalk = 64 << 10

var errTalk = errors.New("the mail server answered with more than 64 kB")

// tied is a connection that ends soon after its context, and on which no more than maxTalk is read. go-mail heeds a
// context only until it is connected, and closes no connection that has failed; whoever opens one here calls release.
type tied struct {
	net.Conn
	release func()

	heard int  // bytes read
	over  bool // the server went on after maxTalk
	mu    sync.Mutex
	end   time.Time // zero until the context has ended
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

// Read returns errTalk once the server has said too much. The connection is of no use after that: go-mail would say RSET
// and QUIT and read on.
func (c *tied) Read(p []byte) (int, error) {
	if c.heard >= maxTalk && len(p) > 0 {
		c.over = true
		_ = c.Close()
		return 0, errTalk
	}
	n, err := c.Conn.Read(p[:min(len(p), maxTalk-c.heard)])
	c.heard += n
	return n, err
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

// talkative reports whether the server has said too much, which go-mail's errors do not tell.
func (d *dialer) talkative() bool { return d.conn != nil && d.conn.over }

func (d *dialer) release() {
	if d.conn != nil {
		d.conn.release()
	}
}
