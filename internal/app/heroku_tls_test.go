package app

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"io"
	"math/big"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
)

// sslRequest takes the place of the protocol version in a request for TLS (SSLRequest of Postgres' protocol).
const sslRequest = 80877103

// tlsFront is a proxy that makes Postgres require TLS, with a self-signed certificate.
type tlsFront struct {
	host, port string
	sslmode    string // for the URL; empty where the host name does not look local
	plain      atomic.Int64
	secure     atomic.Int64
}

func newTLSFront(t *testing.T, target string) *tlsFront {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cfg := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
	listener, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &tlsFront{host: "127.0.0.1", sslmode: "require"}
	_, f.port, _ = net.SplitHostPort(listener.Addr().String())
	// The machine's own name looks remote. Then the URL does not mention TLS, like Heroku's.
	if name, err := os.Hostname(); err == nil && name != "localhost" && net.ParseIP(name) == nil {
		if conn, err := net.DialTimeout("tcp", net.JoinHostPort(name, f.port), time.Second); err == nil {
			conn.Close()
			f.host, f.sslmode = name, ""
		}
	}
	var conns sync.WaitGroup
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			conns.Go(func() { f.serve(conn, cfg, target) })
		}
	}()
	t.Cleanup(func() { listener.Close() })
	return f
}

func (f *tlsFront) serve(conn net.Conn, cfg *tls.Config, target string) {
	defer conn.Close()
	var head [8]byte
	if _, err := io.ReadFull(conn, head[:]); err != nil {
		return
	}
	if binary.BigEndian.Uint32(head[4:]) != sslRequest {
		f.plain.Add(1)
		refusal, _ := (&pgproto3.ErrorResponse{Severity: "FATAL", Code: "28000", Message: "no pg_hba.conf entry, no encryption"}).Encode(nil)
		_, _ = conn.Write(refusal)
		return
	}
	if _, err := conn.Write([]byte{'S'}); err != nil {
		return
	}
	secured := tls.Server(conn, cfg)
	if err := secured.Handshake(); err != nil {
		return
	}
	f.secure.Add(1)
	to, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer to.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(to, secured)
		to.Close() // a killed client closes its connection without a message
	}()
	_, _ = io.Copy(secured, to)
	conn.Close()
	<-done
}
