package mail

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
)

// SinkConfig configures a Sink.
type SinkConfig struct {
	Delay time.Duration // how long it takes to accept a mail
	Log   *slog.Logger  // nil: no log

	// The faults that tests ask for; see sink_fault_test.go.
	ascii   bool // do not offer SMTPUTF8
	tls     *tls.Config
	wrap    func(net.Conn) net.Conn
	rcpt    func(to string) error
	verdict func(conn net.Conn, m SinkMessage) error // on a complete message
}

// SinkMessage is a mail that the sink accepted. Data is the message as received.
type SinkMessage struct {
	From string
	To   []string
	Data []byte
}

// Sink is a local mail server that delivers nothing. It is as slow as configured, and keeps the last messages in
// memory. The commands dev and bench send to it; tests use it to see what a real server would receive.
type Sink struct {
	cfg      SinkConfig
	listener net.Listener
	server   *smtp.Server
	served   sync.WaitGroup
	closed   chan struct{}
	shut     func() error

	mu       sync.Mutex
	count    int
	messages []SinkMessage
	more     chan struct{} // closed, and replaced, with each mail
}

// sinkKeeps is the number of messages that the sink keeps.
const sinkKeeps = 100

// StartSink starts a sink on a free port; Close stops it.
func StartSink(cfg SinkConfig) (*Sink, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the mail sink: %w", err)
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &Sink{cfg: cfg, listener: listener, closed: make(chan struct{}), more: make(chan struct{})}
	s.server = smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &sinkSession{sink: s, conn: c.Conn()}, nil
	}))
	s.server.Domain, s.server.TLSConfig = "localhost", cfg.tls
	s.server.EnableSMTPUTF8 = !cfg.ascii
	s.server.ReadTimeout, s.server.WriteTimeout = time.Minute, time.Minute
	s.server.MaxMessageBytes, s.server.MaxRecipients = 1<<20, 10
	s.server.ErrorLog = slog.NewLogLogger(cfg.Log.Handler(), slog.LevelDebug)
	s.shut = sync.OnceValue(func() error {
		close(s.closed)
		err := s.server.Close()
		_ = listener.Close() // the server closes it only if it was serving
		s.served.Wait()
		return err
	})
	s.served.Go(func() {
		if err := s.server.Serve(wrapping{listener, cfg.wrap}); err != nil {
			cfg.Log.Error("the mail sink stopped", "err", err)
		}
	})
	return s, nil
}

// URL returns the SMTP_URL that sends mail to the sink.
func (s *Sink) URL() string { return "smtp://" + s.listener.Addr().String() + "?tls=none" }

// Close stops the sink and closes its connections. A second call does nothing.
func (s *Sink) Close() error { return s.shut() }

// Count returns the number of mails that the sink has accepted.
func (s *Sink) Count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count
}

// Messages returns the last mails, at most sinkKeeps, the newest last.
func (s *Sink) Messages() []SinkMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.messages)
}

// Wait returns when the sink has accepted n mails since its start.
func (s *Sink) Wait(ctx context.Context, n int) error {
	for {
		s.mu.Lock()
		count, more := s.count, s.more
		s.mu.Unlock()
		if count >= n {
			return nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return fmt.Errorf("the mail sink has %d of %d mails: %w", count, n, ctx.Err())
		}
	}
}

func (s *Sink) keep(m SinkMessage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count++
	s.messages = append(s.messages, m)
	if len(s.messages) > sinkKeeps {
		s.messages = slices.Delete(s.messages, 0, 1)
	}
	close(s.more)
	s.more = make(chan struct{})
	s.cfg.Log.Debug("the mail sink accepted a mail", "to", m.To, "bytes", len(m.Data))
}

// wrapping puts wrap around each connection.
type wrapping struct {
	net.Listener
	wrap func(net.Conn) net.Conn
}

func (l wrapping) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil && l.wrap != nil {
		conn = l.wrap(conn)
	}
	return conn, err
}

// sinkSession is one connection's conversation.
type sinkSession struct {
	sink *Sink
	conn net.Conn
	mail SinkMessage
}

// Reset drops an unfinished mail.
func (s *sinkSession) Reset() { s.mail = SinkMessage{} }

// Logout does nothing: a session holds no resources.
func (*sinkSession) Logout() error { return nil }

// Mail begins a mail.
func (s *sinkSession) Mail(from string, _ *smtp.MailOptions) error {
	s.mail = SinkMessage{From: from}
	return nil
}

// Rcpt accepts any recipient, unless configured otherwise.
func (s *sinkSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.mail.To = append(s.mail.To, to)
	if s.sink.cfg.rcpt != nil {
		return s.sink.cfg.rcpt(to)
	}
	return nil
}

// Data accepts the mail after the configured delay.
func (s *sinkSession) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	select {
	case <-time.After(s.sink.cfg.Delay):
	case <-s.sink.closed:
		return &smtp.SMTPError{Code: 421, EnhancedCode: smtp.EnhancedCode{4, 3, 2}, Message: "The sink is closing"}
	}
	s.mail.Data = data
	if s.sink.cfg.verdict != nil {
		if err := s.sink.cfg.verdict(s.conn, s.mail); err != nil {
			return err
		}
	}
	s.sink.keep(s.mail)
	return nil
}
