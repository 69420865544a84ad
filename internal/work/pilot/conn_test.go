package pilot

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/backlist/backlist/internal/testdb"
)

// TestDo: each request runs once, one that breaks the connection gets its own error, and the next runs on the next connection.
func TestDo(t *testing.T) {
	t.Parallel()
	c, opened := newTestConn(t)
	<-opened
	<-c.present().up
	var done int // the connection's goroutine only
	var group errgroup.Group
	for range 10 * requestsMax {
		group.Go(func() error { return c.Do(t.Context(), func(context.Context, *pgx.Conn) error { done++; return nil }) })
	}
	if err := group.Wait(); err != nil || done != 10*requestsMax {
		t.Fatal(done, err)
	}
	err := c.Do(t.Context(), func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "select pg_terminate_backend(pg_backend_pid())")
		return err
	})
	if err == nil || errors.Is(err, errDown) {
		t.Errorf("the request that broke the connection: %v", err)
	}
	<-opened
	<-c.present().up
	if err := c.Do(t.Context(), func(ctx context.Context, conn *pgx.Conn) error { return conn.Ping(ctx) }); err != nil {
		t.Error(err)
	}
}

// newTestConn returns a running Conn, and a channel that signals each time it has connected.
func newTestConn(t testing.TB) (*Conn, <-chan bool) {
	t.Helper()
	opened := make(chan bool, 10)
	c := NewConn(testdb.New(t).Config().ConnConfig, "river", slog.New(slog.DiscardHandler), false)
	c.Opened = func(_ context.Context, _ *pgx.Conn, again bool) error { opened <- again; return nil }
	c.Heartbeat = func(context.Context, *pgx.Conn) (time.Duration, error) { return time.Hour, nil }
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		c.Run(ctx)
	}()
	t.Cleanup(func() { cancel(); <-ended })
	return c, opened
}

// BenchmarkDo measures how long a request takes while the connection waits for notices.
func BenchmarkDo(b *testing.B) {
	c, _ := newTestConn(b)
	<-c.present().up
	for b.Loop() {
		err := c.Do(b.Context(), func(context.Context, *pgx.Conn) error { return nil })
		if err != nil {
			b.Fatal(err)
		}
	}
}
