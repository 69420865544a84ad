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

// Line is the one connection of a worker process that is not in its pools: River's notices, ours, and the liveness lock
// come through it, and the beats go out on it. Jobs cannot starve it.
type Line struct {
	Config *pgx.ConnConfig
	Schema string // River's
	Log    *slog.Logger
	// PollOnly: there is no LISTEN, for a pooler hands each transaction another server connection. River is told only what
	// this process finds out itself.
	PollOnly bool

	// Opened runs on every new connection, before any notice is waited for; again is false for the first.
	Opened func(ctx context.Context, conn *pgx.Conn, again bool) error
	// Beat runs on the connection when it is due, and says when it is due next.
	Beat func(ctx context.Context, conn *pgx.Conn) (next time.Duration, err error)
	// Heard gets the notices of channels that are not River's.
	Heard func(channel, payload string)

	mu      sync.Mutex
	topics  map[string]bool // River's, to be listened to again on a new connection
	notices chan *riverdriver.Notification
	orders  chan order
	wake    context.CancelFunc // ends the wait for a notice
	hurry   bool               // the next beat is due at once
	echoes  map[string]*time.Timer
	up      chan struct{} // closed while there is a connection
	down    chan struct{} // closed when the present connection is lost
}

// order is something to be done on the connection.
type order struct {
	do   func(ctx context.Context, conn *pgx.Conn) error
	done chan error
}

const (
	lineTimeout = 3 * time.Second        // for connecting, and for each statement
	reconnect   = 200 * time.Millisecond // between two tries
)

var errLineDown = errors.New("the worker's own connection is down")

// NewLine returns a line that connects once Run is called. Opened, Beat and Heard are to be set before.
func NewLine(config *pgx.ConnConfig, schema string, log *slog.Logger, pollOnly bool) *Line {
	return &Line{
		Config: config, Schema: schema, Log: log, PollOnly: pollOnly,
		topics: map[string]bool{}, echoes: map[string]*time.Timer{},
		notices: make(chan *riverdriver.Notification, 1000), orders: make(chan order),
		up: make(chan struct{}), down: make(chan struct{}), wake: func() {},
	}
}

// Run keeps the connection until ctx ends.
func (l *Line) Run(ctx context.Context) {
	for again := false; ctx.Err() == nil; {
		opened, err := l.hold(ctx, again)
		again = again || opened
		if ctx.Err() != nil {
			return
		}
		l.Log.WarnContext(ctx, "the worker's own connection is lost", "err", err)
		select {
		case <-ctx.Done():
		case <-time.After(reconnect):
		}
	}
}

// hold connects and serves the connection until it is lost.
func (l *Line) hold(ctx context.Context, again bool) (opened bool, err error) {
	conn, err := l.connect(ctx, again)
	if err != nil {
		return false, err
	}
	defer func() {
		closeCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(closeCtx)
	}()
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		close(l.down)
		l.up, l.down = make(chan struct{}), make(chan struct{})
	}()
	return true, l.serve(ctx, conn)
}

func (l *Line) connect(ctx context.Context, again bool) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, lineTimeout)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, l.Config)
	if err != nil {
		return nil, err
	}
	err = l.Opened(ctx, conn, again)
	l.mu.Lock()
	defer l.mu.Unlock()
	for topic := range l.topics {
		if err == nil {
			err = l.listen(ctx, conn, topic)
		}
	}
	if err != nil {
		_ = conn.Close(ctx)
		return nil, err
	}
	close(l.up) // with the lock still held: a topic is either listened to above, or by an order that comes later
	return conn, nil
}

func (l *Line) listen(ctx context.Context, conn *pgx.Conn, topic string) error {
	if l.PollOnly {
		return nil
	}
	_, err := conn.Exec(ctx, "listen "+l.channel(topic))
	return err
}

func (l *Line) channel(topic string) string { return pgx.Identifier{l.Schema + "." + topic}.Sanitize() }

// serve waits for notices, beats when it is time, and carries out orders, all in this one goroutine.
func (l *Line) serve(ctx context.Context, conn *pgx.Conn) error {
	due := time.Now()
	for {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if time.Until(due) <= 0 || l.hurried() {
			beatCtx, cancel := context.WithTimeout(ctx, lineTimeout)
			next, err := l.Beat(beatCtx, conn)
			cancel()
			if err != nil {
				return fmt.Errorf("beat: %w", err)
			}
			due = time.Now().Add(next)
		}
		if err := l.wait(ctx, conn, due); err != nil {
			return err
		}
	}
}

// BeatNow makes the next beat due at once.
func (l *Line) BeatNow() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hurry = true
	l.wake()
}

func (l *Line) hurried() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	hurry := l.hurry
	l.hurry = false
	return hurry
}

// wait ends with the next notice, order or beat. Ending it by its context leaves the connection whole, since nothing has
// been read then.
func (l *Line) wait(ctx context.Context, conn *pgx.Conn, due time.Time) error {
	waitCtx, cancel := context.WithDeadline(ctx, due)
	defer cancel()
	l.mu.Lock()
	l.wake = cancel
	l.mu.Unlock()
	select {
	case o := <-l.orders:
		return l.carryOut(ctx, conn, o)
	default:
	}
	n, err := conn.WaitForNotification(waitCtx)
	switch {
	case err == nil:
		l.deliver(n.Channel, n.Payload)
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case waitCtx.Err() == nil:
		return err
	}
	select { // woken: an order is on its way, or the beat is due
	case o := <-l.orders:
		return l.carryOut(ctx, conn, o)
	default:
		return nil
	}
}

func (l *Line) carryOut(ctx context.Context, conn *pgx.Conn, o order) error {
	ctx, cancel := context.WithTimeout(ctx, lineTimeout)
	defer cancel()
	err := o.do(ctx, conn)
	o.done <- err
	if conn.IsClosed() {
		return fmt.Errorf("an order broke the connection: %w", err)
	}
	return nil
}

func (l *Line) deliver(channel, payload string) {
	topic, rivers := strings.CutPrefix(channel, l.Schema+".")
	if !rivers {
		l.Heard(channel, payload)
		return
	}
	select {
	case l.notices <- &riverdriver.Notification{Topic: topic, Payload: payload}:
	default: // River polls too; a thousand waiting notices say all there is to say
	}
}

// Do runs fn on the connection, between two waits, and returns its error; errLineDown if there is no connection.
func (l *Line) Do(ctx context.Context, fn func(ctx context.Context, conn *pgx.Conn) error) error {
	l.mu.Lock()
	up, down := l.up, l.down
	l.mu.Unlock()
	select {
	case <-up:
	default:
		return errLineDown
	}
	o := order{do: fn, done: make(chan error, 1)}
	// The wait may be between two of its steps: it is woken until it takes the order.
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for sent := false; !sent; {
		l.mu.Lock()
		l.wake()
		l.mu.Unlock()
		select {
		case l.orders <- o:
			sent = true
		case <-tick.C:
		case <-down:
			return errLineDown
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	select {
	case err := <-o.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
