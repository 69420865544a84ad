package record

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/testdb"
)

// wire is a way to the database that can be cut.
type wire struct {
	cut        atomic.Bool // all sending fails
	loseCommit atomic.Bool // the next commit is sent, and its answer lost
}

type wireConn struct {
	net.Conn
	wire *wire
	lose atomic.Bool // the next answer
}

func (c *wireConn) Write(p []byte) (int, error) {
	if c.wire.cut.Load() {
		_ = c.Close()
		return 0, errors.New("the wire is cut")
	}
	if strings.Contains(string(p), "commit") && c.wire.loseCommit.CompareAndSwap(true, false) {
		c.lose.Store(true)
	}
	return c.Conn.Write(p)
}

func (c *wireConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 && c.lose.Load() { // the answer is there: the commit is done
		_ = c.Close()
		return 0, errors.New("the answer is lost")
	}
	return n, err
}

// wired returns a pool on the database of pool whose connections go through the wire.
func wired(t testing.TB, pool *pgxpool.Pool) (*pgxpool.Pool, *wire) {
	t.Helper()
	w := &wire{}
	cfg := pool.Config()
	dial := cfg.ConnConfig.DialFunc
	cfg.ConnConfig.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if w.cut.Load() {
			return nil, errors.New("the wire is cut")
		}
		conn, err := dial(ctx, network, addr)
		return &wireConn{Conn: conn, wire: w}, err
	}
	through, err := pgxpool.NewWithConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(through.Close)
	return through, w
}

// TestDatabaseAway: only attempts that exceed the buffer are lost, the oldest first, and counted in the log; none is written twice.
func TestDatabaseAway(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	through, wire := wired(t, pool)
	r := newTestRecorder(t, through, "one")
	const many = 30_000
	wire.cut.Store(true)
	for n := range many {
		r.Note(anAttempt("one", n))
		if n == 10 {
			r.flush(t.Context()) // these are on their way, and not dropped
		}
	}
	r.flush(t.Context())
	dropped := r.dropped
	if dropped < 1000 || r.left() != many {
		t.Fatalf("%d dropped, %d left in all", dropped, r.left())
	}
	wire.cut.Store(false)
	r.flush(t.Context())
	adds(t, pool, many-dropped)
	if n := sum(t, pool, fmt.Sprintf("select count(*) from work.attempt where job_id > 10 and job_id < %d", dropped+11)); n != 0 {
		t.Errorf("%d attempts are there that are older than some that were dropped", n)
	}
}

// TestLostAnswer: a batch that was committed although its answer was lost is not written again.
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	through, wire := wired(t, pool)
	r := newTestRecorder(t, through, "one")
	for n := range 100 {
		r.Note(anAttempt("one", n))
	}
	wire.loseCommit.Store(true)
	r.flush(t.Context())
	if r.left() != 100 || sum(t, pool, "select count(*) from work.attempt") != 100 {
		t.Fatalf("%d left: the answer was not lost", r.left())
	}
	for n := range 100 {
		r.Note(anAttempt("one", 100+n))
	}
	r.flush(t.Context())
	adds(t, pool, 200)
}
