package mail

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/emersion/go-smtp"
)

// startSink starts a sink with the faults of cfg for the duration of the test.
func startSink(t *testing.T, cfg SinkConfig) *Sink {
	t.Helper()
	s, err := StartSink(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// refuse is a reply with an error code to a recipient or a message.
func refuse(code int, enhanced smtp.EnhancedCode, text string) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: enhanced, Message: text}
}

func rcptRefuses(err error) SinkConfig {
	return SinkConfig{rcpt: func(string) error { return err }}
}

func dataRefuses(err error) SinkConfig {
	return SinkConfig{verdict: func(net.Conn, SinkMessage) error { return err }}
}

// cutsAfterAccept accepts the message, and closes the connection before its reply.
func cutsAfterAccept() SinkConfig {
	return SinkConfig{verdict: func(conn net.Conn, _ SinkMessage) error { return conn.Close() }}
}

// hangsAfterAccept accepts the message and never replies; the client times out.
func hangsAfterAccept(t *testing.T) SinkConfig {
	return SinkConfig{verdict: func(net.Conn, SinkMessage) error {
		<-t.Context().Done()
		return nil
	}}
}

// dropsAt closes the connection when the client sends verb.
func dropsAt(verb string) SinkConfig {
	return SinkConfig{wrap: func(c net.Conn) net.Conn {
		return &listening{Conn: c, verb: verb, then: func() error { _ = c.Close(); return io.EOF }}
	}}
}

// hangsAt ignores verb and everything after it.
func hangsAt(verb string, heard func()) SinkConfig {
	return SinkConfig{wrap: func(c net.Conn) net.Conn {
		return &listening{Conn: c, verb: verb, then: func() error {
			heard()
			_, err := io.Copy(io.Discard, c)
			if err == nil {
				err = io.EOF
			}
			return err
		}}
	}}
}

// listening watches for a command. go-mail sends each in one write, so a command begins a read.
type listening struct {
	net.Conn
	verb string
	then func() error
}

func (c *listening) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if bytes.HasPrefix(bytes.ToUpper(p[:n]), []byte(c.verb)) {
		return 0, c.then()
	}
	return n, err
}

// dropsInBody closes the connection after a number of bytes.
func dropsInBody(after int64) SinkConfig {
	return SinkConfig{wrap: func(c net.Conn) net.Conn { return &counting{Conn: c, left: after} }}
}

type counting struct {
	net.Conn
	left int64
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if atomic.AddInt64(&c.left, int64(-n)) <= 0 {
		_ = c.Conn.Close()
		return 0, io.EOF
	}
	return n, err
}

// certificate returns a certificate for 127.0.0.1, and the pool that trusts it.
func certificate(t *testing.T) (*tls.Config, *x509.CertPool) {
	t.Helper()
	server := httptest.NewTLSServer(nil)
	t.Cleanup(server.Close)
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	return &tls.Config{Certificates: server.TLS.Certificates}, pool
}

// hostPort returns the sink's address.
func hostPort(s *Sink) string {
	return strings.TrimSuffix(strings.TrimPrefix(s.URL(), "smtp://"), "?tls=none")
}
