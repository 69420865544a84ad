package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"
)

// grace is how long an SMTP session may continue after the worker is told to stop: long enough to learn whether the
// server accepted the letter, short enough for the 30 s that a platform gives a stopping process.
const grace = 3 * time.Second

// maxReplies bounds what a mail server may send in one session, in bytes on the network. One letter's replies, with TLS
// certificates, take less than 16 kB. go-mail keeps every reply in memory, and repeats it several times in its errors.
const maxReplies = 64 << 10

var errTooMuch = errors.New("the mail server answered with more than 64 kB")

// limitedConn is a connection that ends soon after its context, and from which at most maxReplies bytes are read.
// go-mail observes a context only until it is connected, and does not close a connection that failed, so the caller of
// dial must call release.
type limitedConn struct {
	net.Conn
	release func()

	received int  // bytes
	over     bool // the server sent more than maxReplies
	mu       sync.Mutex
	end      time.Time // the latest deadline; zero until the context has ended
}

func limit(ctx context.Context, conn net.Conn, grace time.Duration) *limitedConn {
	c := &limitedConn{Conn: conn}
	stop := context.AfterFunc(ctx, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.end = time.Now().Add(grace)
		_ = conn.SetDeadline(c.end) // fails only on a closed connection
	})
	c.release = func() {
		stop()
		_ = conn.Close() // QUIT has usually closed it
	}
	return c
}

// Read returns errTooMuch once the server has sent too much, and closes the connection: go-mail would otherwise send
// RSET and QUIT and keep reading.
func (c *limitedConn) Read(p []byte) (int, error) {
	if c.received >= maxReplies && len(p) > 0 {
		c.over = true
		_ = c.Close()
		return 0, errTooMuch
	}
	n, err := c.Conn.Read(p[:min(len(p), maxReplies-c.received)])
	c.received += n
	return n, err
}

// SetDeadline sets the deadline, but never later than the end.
func (c *limitedConn) SetDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.end.IsZero() && t.After(c.end) {
		t = c.end
	}
	return c.Conn.SetDeadline(t)
}

// dialer opens one connection to the mail server, which ends soon after ctx, and remembers it for release.
type dialer struct {
	ctx    context.Context // the attempt's: go-mail passes one that ends with the dialling
	grace  time.Duration   // see grace
	secure *tls.Config     // if set, the connection begins with TLS
	conn   *limitedConn
}

func (d *dialer) dial(dialCtx context.Context, network, address string) (net.Conn, error) {
	raw, err := (&net.Dialer{}).DialContext(dialCtx, network, address)
	if err != nil {
		return nil, err
	}
	d.conn = limit(d.ctx, raw, d.grace)
	if d.secure == nil {
		return d.conn, nil
	}
	secured := tls.Client(d.conn, d.secure)
	if err := secured.HandshakeContext(dialCtx); err != nil {
		return nil, err
	}
	return secured, nil
}

// exceeded reports whether the server sent too much, which go-mail's errors do not show.
func (d *dialer) exceeded() bool { return d.conn != nil && d.conn.over }

func (d *dialer) release() {
	if d.conn != nil {
		d.conn.release()
	}
}
