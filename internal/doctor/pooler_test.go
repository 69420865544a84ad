package doctor

import (
	"net"
	"net/url"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/backlist/backlist/internal/testdb"
	"github.com/backlist/backlist/internal/work/worktest"
)

// deaf stands before a server and hands each client a connection for good, but reads the server only while it waits for an
// answer: a notice that comes in between is lost.
type deaf struct {
	servers chan *pgconn.HijackedConn
}

// newDeaf returns a database's URL through one, with two connections.
func newDeaf(t *testing.T, databaseURL string) string {
	t.Helper()
	p := &deaf{servers: make(chan *pgconn.HijackedConn, 2)}
	for range cap(p.servers) {
		conn, err := pgconn.Connect(t.Context(), databaseURL)
		if err != nil {
			t.Fatal(err)
		}
		server, err := conn.Hijack()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { server.Conn.Close() })
		p.servers <- server
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go p.serve(conn)
		}
	}()
	u, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = listener.Addr().String()
	return u.String()
}

func (p *deaf) serve(conn net.Conn) {
	defer conn.Close()
	client := pgproto3.NewBackend(conn, conn)
	if _, err := client.ReceiveStartupMessage(); err != nil {
		return
	}
	client.Send(&pgproto3.AuthenticationOk{})
	client.Send(&pgproto3.ParameterStatus{Name: "standard_conforming_strings", Value: "on"})
	client.Send(&pgproto3.ParameterStatus{Name: "client_encoding", Value: "UTF8"})
	client.Send(&pgproto3.BackendKeyData{ProcessID: 1, SecretKey: []byte{0, 0, 0, 1}})
	client.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
	var server *pgconn.HijackedConn
	for client.Flush() == nil {
		message, err := client.Receive()
		if _, over := message.(*pgproto3.Terminate); err != nil || over {
			break
		}
		if server == nil {
			server = <-p.servers
		}
		server.Frontend.Send(message)
		switch message.(type) {
		case *pgproto3.Query, *pgproto3.Sync:
			answer(client, server)
		}
	}
	if server != nil {
		p.servers <- server
	}
}

// answer passes on what the server says, until it is ready.
func answer(client *pgproto3.Backend, server *pgconn.HijackedConn) {
	if server.Frontend.Flush() != nil {
		return
	}
	for {
		message, err := server.Frontend.Receive()
		if err != nil {
			return
		}
		client.Send(message)
		if _, ready := message.(*pgproto3.ReadyForQuery); ready {
			return
		}
	}
}

// TestPooler: one that lends connections by the transaction is found, and everything else is looked at through it.
func TestPooler(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	do(t, pool, well)
	e := exam(t, worktest.Pooler(t, pool.Config().ConnString()))
	found := e.Run(t.Context())
	finds(t, found, "pooler", Warn, "Set WORKER_POLL_ONLY=yes")
	finds(t, found, "workers", OK, "Live workers: 1")
	e.PollOnly = true
	found = e.Run(t.Context())
	finds(t, found, "pooler", OK, "as it has to be")
	if Worst(found) != OK {
		t.Errorf("%+v", found)
	}
}

// TestDeaf: a connection that keeps its session, on which notices get lost.
func TestDeaf(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	do(t, pool, well)
	e := exam(t, newDeaf(t, pool.Config().ConnString()))
	e.PollOnly, e.NoticeTime = true, 100*time.Millisecond
	found := e.Run(t.Context())
	finds(t, found, "pooler", Hint, "no pooler was seen")
	finds(t, found, "listen", Broken, "A notice did not arrive within 100ms.")
}
