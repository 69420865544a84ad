package pilot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river/riverdriver"
)

// Conn is the one connection of a worker process outside its pools, so that jobs cannot starve it. It receives River's notices
// and ours, holds the session lock and sends the heartbeats.
type Conn struct {
	Config *pgx.ConnConfig
	Schema string // River's
	Log    *slog.Logger
	// PollOnly turns LISTEN off, for a pooler that gives each transaction another server connection. Then River gets only the
	// notices that this process sends itself.
	PollOnly bool

	// Opened runs on every new connection before it waits for notices; again is false for the first.
	Opened func(ctx context.Context, conn *pgx.Conn, again bool) error
	// Heartbeat runs on the connection when it is due, and returns how long until it is due next.
	Heartbeat func(ctx context.Context, conn *pgx.Conn) (next time.Duration, err error)
	// Heard receives the notices of channels other than River's.
	Heard func(channel, payload string)
	// Noticed also receives River's notices, by topic; may be nil. It must not block.
	Noticed func(topic, payload string)

	mu        sync.Mutex
	topics    map[string]bool // River's, for LISTEN on each new connection
	notices   chan *riverdriver.Notification
	interrupt context.CancelFunc // ends the wait for a notice
	hurry     bool               // the next heartbeat is due at once
	polls     map[string]*time.Timer
	session   session
}

// session is the present connection to the server, or the next if there is none.
type session struct {
	requests chan request
	up       chan struct{} // closed when it is open
	down     chan struct{} // closed when it is lost
}

// request is something to be done on the connection.
type request struct {
	do   func(ctx context.Context, conn *pgx.Conn) error
	done chan error
}

const (
	connTimeout = 3 * time.Second        // for connecting, and for each statement
	reconnect   = 200 * time.Millisecond // between two tries
	requestsMax = 16                     // that wait for the connection; more wait in Do
)

var errDown = errors.New("the worker's own connection is down")

// NewConn returns a Conn that connects when Run is called. Opened, Heartbeat and Heard must be set before.
func NewConn(config *pgx.ConnConfig, schema string, log *slog.Logger, pollOnly bool) *Conn {
	return &Conn{
		Config: config, Schema: schema, Log: log, PollOnly: pollOnly,
		topics: map[string]bool{}, polls: map[string]*time.Timer{}, notices: make(chan *riverdriver.Notification, 1000),
		interrupt: func() {}, session: newSession(),
	}
}

func newSession() session {
	return session{requests: make(chan request, requestsMax), up: make(chan struct{}), down: make(chan struct{})}
}

// Run connects, and connects again after each loss, until ctx ends.
func (c *Conn) Run(ctx context.Context) {
	for again := false; ctx.Err() == nil; {
		opened, err := c.hold(ctx, again)
		again = again || opened
		if ctx.Err() != nil {
			return
		}
		c.Log.WarnContext(ctx, "the worker's own connection is lost", "err", err)
		select {
		case <-ctx.Done():
		case <-time.After(reconnect):
		}
	}
}

// hold connects and serves the connection until it is lost.
func (c *Conn) hold(ctx context.Context, again bool) (opened bool, err error) {
	conn, err := c.connect(ctx, again)
	if err != nil {
		return false, err
	}
	defer func() {
		closeCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(closeCtx)
	}()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		close(c.session.down)
		c.session = newSession()
	}()
	return true, c.serve(ctx, conn)
}

func (c *Conn) connect(ctx context.Context, again bool) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, connTimeout)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, c.Config)
	if err != nil {
		return nil, err
	}
	err = c.Opened(ctx, conn, again)
	c.mu.Lock()
	defer c.mu.Unlock()
	for topic := range c.topics {
		if err == nil {
			err = c.listen(ctx, conn, topic)
		}
	}
	if err != nil {
		_ = conn.Close(ctx)
		return nil, err
	}
	close(c.session.up) // under the lock, so that each topic is listened to either above or by a later request
	return conn, nil
}

func (c *Conn) listen(ctx context.Context, conn *pgx.Conn, topic string) error {
	if c.PollOnly {
		return nil
	}
	_, err := conn.Exec(ctx, "listen "+c.channel(topic))
	return err
}

func (c *Conn) channel(topic string) string { return pgx.Identifier{c.Schema + "." + topic}.Sanitize() }

// serve waits for notices, sends heartbeats when they are due, and answers requests, all in this one goroutine.
func (c *Conn) serve(ctx context.Context, conn *pgx.Conn) error {
	requests := c.present().requests
	due := time.Now()
	for {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if time.Until(due) <= 0 || c.hurried() {
			beatCtx, cancel := context.WithTimeout(ctx, connTimeout)
			next, err := c.Heartbeat(beatCtx, conn)
			cancel()
			if err != nil {
				return fmt.Errorf("heartbeat: %w", err)
			}
			due = time.Now().Add(next)
		}
		if err := c.wait(ctx, conn, requests, due); err != nil {
			return err
		}
	}
}

// HeartbeatNow makes the next heartbeat due at once.
func (c *Conn) HeartbeatNow() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hurry = true
	c.interrupt()
}

func (c *Conn) hurried() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	hurry := c.hurry
	c.hurry = false
	return hurry
}

func (c *Conn) present() session {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session
}

// wait ends with the next notice, request or heartbeat. If its context ends it, the connection stays usable, because nothing
// has been read.
func (c *Conn) wait(ctx context.Context, conn *pgx.Conn, requests <-chan request, due time.Time) error {
	waitCtx, cancel := context.WithDeadline(ctx, due)
	defer cancel()
	c.mu.Lock()
	c.interrupt = cancel
	c.mu.Unlock()
	select {
	case r := <-requests: // it came before the wait that it would have interrupted
		return c.answer(ctx, conn, r)
	default:
	}
	n, err := conn.WaitForNotification(waitCtx)
	switch {
	case err == nil:
		c.deliver(n.Channel, n.Payload)
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case waitCtx.Err() == nil:
		return err
	}
	return nil // interrupted, or a heartbeat is due
}

func (c *Conn) answer(ctx context.Context, conn *pgx.Conn, r request) error {
	ctx, cancel := context.WithTimeout(ctx, connTimeout)
	defer cancel()
	err := r.do(ctx, conn)
	r.done <- err
	if conn.IsClosed() {
		return fmt.Errorf("a request broke the connection: %w", err)
	}
	return nil
}

func (c *Conn) deliver(channel, payload string) {
	topic, rivers := strings.CutPrefix(channel, c.Schema+".")
	if !rivers {
		c.Heard(channel, payload)
		return
	}
	if c.Noticed != nil {
		c.Noticed(topic, payload)
	}
	select {
	case c.notices <- &riverdriver.Notification{Topic: topic, Payload: payload}:
	default: // a thousand notices wait already, and River polls too
	}
}

// Do runs fn on the connection, between two waits, and returns its error, or errDown if there is no connection.
func (c *Conn) Do(ctx context.Context, fn func(ctx context.Context, conn *pgx.Conn) error) error {
	s := c.present()
	select {
	case <-s.up:
	default:
		return errDown
	}
	r := request{do: fn, done: make(chan error, 1)}
	select {
	case s.requests <- r:
	case <-s.down:
		return errDown
	case <-ctx.Done():
		return ctx.Err()
	}
	c.mu.Lock()
	c.interrupt()
	c.mu.Unlock()
	select {
	case err := <-r.done:
		return err
	case <-s.down:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-r.done: // the request itself broke the connection
		return err
	default:
		return errDown
	}
}
