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

// deaf is a proxy that gives each client its own server connection, but reads from the server only while the client
// waits for a response: a notice that arrives in between is lost.
type deaf struct {
	servers chan *pgconn.HijackedConn
}

// newDeaf returns a database's URL through a deaf proxy with two connections.
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

// answer forwards the server's messages until it is ready for a query.
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

// TestPooler: a transaction pooler is found, and all other checks work through it.
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
	finds(t, found, "pooler", OK, "as it must be")
	if Worst(found) != OK {
		t.Errorf("%+v", found)
	}
}

// TestDeaf: lost notices are found on a connection that keeps its session.
func TestDeaf(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	do(t, pool, well)
	e := exam(t, newDeaf(t, pool.Config().ConnString()))
	e.PollOnly, e.NoticeTime = true, 100*time.Millisecond
	found := e.Run(t.Context())
	finds(t, found, "pooler", Hint, "no transaction pooler was found")
	finds(t, found, "listen", Broken, "A notice did not arrive within 100ms.")
}
