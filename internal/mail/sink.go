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

// SinkConfig says how a Sink behaves.
type SinkConfig struct {
	Delay time.Duration // how long it takes for a mail
	Log   *slog.Logger  // nil: silence

	// What tests make it do wrong; see sink_fault_test.go.
	ascii   bool // does not offer SMTPUTF8
	tls     *tls.Config
	wrap    func(net.Conn) net.Conn
	rcpt    func(to string) error
	verdict func(conn net.Conn, m SinkMessage) error // on a complete message
}

// SinkMessage is a mail that the sink took. Data is the message as it came.
type SinkMessage struct {
	From string
	To   []string
	Data []byte
}

// Sink is a mail server on this machine that delivers nothing: as slow as it is told to be, it keeps the last messages
// in memory. The command dev and the measurements send to it; tests see by it what a real server would have got.
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

// sinkKeeps is how many messages the sink remembers.
const sinkKeeps = 100

// StartSink starts a sink on a port of its own; Close stops it.
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
		_ = listener.Close() // the server has closed it, unless it was closed before it had begun
		s.served.Wait()
		return err
	})
	s.served.Go(func() {
		if err := s.server.Serve(wrapping{listener, cfg.wrap}); err != nil {
			cfg.Log.Error("the mail sink has ended", "err", err)
		}
	})
	return s, nil
}

// URL is what SMTP_URL must be for mail to go to the sink.
func (s *Sink) URL() string { return "smtp://" + s.listener.Addr().String() + "?tls=none" }

// Close stops the sink and cuts its connections. Closing twice is harmless.
func (s *Sink) Close() error { return s.shut() }

// Count is how many mails the sink has taken.
func (s *Sink) Count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count
}

// Messages returns the last mails, at most a hundred, the newest last.
func (s *Sink) Messages() []SinkMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.messages)
}

// Wait returns when the sink has taken n mails since its start.
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
	s.cfg.Log.Debug("the mail sink took a mail", "to", m.To, "bytes", len(m.Data))
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

// Reset forgets a mail that was begun.
func (s *sinkSession) Reset() { s.mail = SinkMessage{} }

// Logout has nothing to free.
func (*sinkSession) Logout() error { return nil }

// Mail begins a mail.
func (s *sinkSession) Mail(from string, _ *smtp.MailOptions) error {
	s.mail = SinkMessage{From: from}
	return nil
}

// Rcpt takes any recipient, unless told otherwise.
func (s *sinkSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.mail.To = append(s.mail.To, to)
	if s.sink.cfg.rcpt != nil {
		return s.sink.cfg.rcpt(to)
	}
	return nil
}

// Data takes the mail, slowly.
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
