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

// startSink starts a sink that does wrong what cfg says, for the length of the test.
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

// refuse answers a recipient or a message with a code.
func refuse(code int, enhanced smtp.EnhancedCode, text string) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: enhanced, Message: text}
}

func rcptRefuses(err error) SinkConfig {
	return SinkConfig{rcpt: func(string) error { return err }}
}

func dataRefuses(err error) SinkConfig {
	return SinkConfig{verdict: func(net.Conn, SinkMessage) error { return err }}
}

// cutsAfterAccept takes the message, and cuts the line before the answer is out.
func cutsAfterAccept() SinkConfig {
	return SinkConfig{verdict: func(conn net.Conn, _ SinkMessage) error { return conn.Close() }}
}

// hangsAfterAccept takes the message and never answers; the client hangs up.
func hangsAfterAccept(t *testing.T) SinkConfig {
	return SinkConfig{verdict: func(net.Conn, SinkMessage) error {
		<-t.Context().Done()
		return nil
	}}
}

// dropsAt cuts the line where the client says verb.
func dropsAt(verb string) SinkConfig {
	return SinkConfig{wrap: func(c net.Conn) net.Conn {
		return &listening{Conn: c, verb: verb, then: func() error { _ = c.Close(); return io.EOF }}
	}}
}

// hangsAt does not hear verb, and nothing after it.
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

// listening watches for a command. go-mail writes each in one piece, so that it begins a read.
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

// dropsInBody cuts the line when so many bytes have come in.
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

// certificate is one for 127.0.0.1, and the pool that trusts it.
func certificate(t *testing.T) (*tls.Config, *x509.CertPool) {
	t.Helper()
	server := httptest.NewTLSServer(nil)
	t.Cleanup(server.Close)
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	return &tls.Config{Certificates: server.TLS.Certificates}, pool
}

// hostPort is where the sink listens.
func hostPort(s *Sink) string {
	return strings.TrimSuffix(strings.TrimPrefix(s.URL(), "smtp://"), "?tls=none")
}
