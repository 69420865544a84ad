package mail

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net"
	netmail "net/mail"
	"net/textproto"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/backlist/backlist/internal/store"
)

func newSender(t *testing.T, smtpURL string) *Sender {
	t.Helper()
	s, err := NewSender(smtpURL, "Backlist <books@backlist.example>")
	if err != nil {
		t.Fatal(err)
	}
	s.grace = 50 * time.Millisecond
	return s
}

func rendered(t *testing.T, l Letter) Envelope {
	t.Helper()
	msg := store.Message{
		ReaderID: 42, Kind: string(KindReady), MessageID: "ready-42-2026-11-23", ToAddress: "odo@reader.example",
		CreatedAt: time.Date(2026, 11, 23, 8, 42, 46, 0, time.UTC),
	}
	e, err := Render(t.Context(), l, msg, "https://backlist.example", "a secret of the site", true)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestSendOutcomes(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("A long letter about a long book. ", 200_000)
	for name, c := range map[string]struct {
		sink    SinkConfig
		body    string
		timeout time.Duration
		want    Result
		unknown bool
		failed  bool // Sent, but with an error
		reason  string
		took    int
	}{
		"takes it":                 {want: Sent, took: 1},
		"drops at EHLO":            {sink: dropsAt("EHLO"), want: Deferred},
		"drops at MAIL":            {sink: dropsAt("MAIL"), want: Deferred},
		"drops at RCPT":            {sink: dropsAt("RCPT"), want: Deferred},
		"drops at DATA":            {sink: dropsAt("DATA"), want: Deferred},
		"drops in a long body":     {sink: dropsInBody(100_000), body: long, want: Deferred},
		"hangs at EHLO":            {sink: hangsAt("EHLO", func() {}), timeout: 100 * time.Millisecond, want: Deferred, reason: "i/o timeout"},
		"hangs at DATA":            {sink: hangsAt("DATA", func() {}), timeout: 100 * time.Millisecond, want: Deferred, reason: "i/o timeout"},
		"greylists":                {sink: rcptRefuses(refuse(450, smtp.EnhancedCode{4, 7, 1}, "Come back later")), want: Deferred, reason: "450 4.7.1 Come back later"},
		"knows no such user":       {sink: rcptRefuses(refuse(550, smtp.EnhancedCode{5, 1, 1}, "Nobody here")), want: Refused, unknown: true, reason: "550 5.1.1 Nobody here"},
		"dislikes the sender":      {sink: rcptRefuses(refuse(550, smtp.EnhancedCode{5, 7, 1}, "Relaying denied")), want: Refused},
		"has a full mailbox":       {sink: rcptRefuses(refuse(552, smtp.EnhancedCode{5, 2, 2}, "Mailbox full")), want: Refused},
		"is busy after the letter": {sink: dataRefuses(refuse(451, smtp.EnhancedCode{4, 3, 2}, "Busy")), want: Deferred, reason: "451 4.3.2 Busy"},
		"rejects it as spam":       {sink: dataRefuses(refuse(554, smtp.EnhancedCode{5, 7, 1}, "Spam")), want: Refused, reason: "554 5.7.1 Spam"},
		"cuts off the reply":       {sink: cutsAfterAccept(), want: Unconfirmed, took: 1},
		"never answers":            {sink: hangsAfterAccept(t), timeout: 500 * time.Millisecond, want: Unconfirmed, reason: "i/o timeout"},
		"takes it, drops at RSET":  {sink: dropsAt("RSET"), want: Sent, failed: true, took: 1},
		"takes it, drops at QUIT":  {sink: dropsAt("QUIT"), want: Sent, failed: true, took: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sink := startSink(t, c.sink)
			sender := newSender(t, sink.URL())
			sender.Timeout = c.timeout
			e := rendered(t, Letter{Subject: "A letter", Paragraphs: []string{"Hello."}})
			if c.body != "" {
				e.Text = c.body
			}
			o := sender.Send(t.Context(), e)
			for c.want == Unconfirmed && c.timeout > 0 && o.Result == Deferred && sender.Timeout < time.Minute {
				sender.Timeout *= 2 // on a busy machine the letter took longer than this
				o = sender.Send(t.Context(), e)
			}
			for patience := time.Now().Add(time.Minute); sink.Count() < c.took && time.Now().Before(patience); {
				time.Sleep(time.Millisecond) // a server that hangs up counts the letter after that
			}
			if o.Result != c.want || o.Unknown != c.unknown || sink.Count() != c.took {
				t.Errorf("got %+v with %d mails taken, want result %d, unknown %t, %d taken", o, sink.Count(), c.want, c.unknown, c.took)
			}
			if failed := o.Err != nil; failed != (c.failed || c.want != Sent) {
				t.Errorf("error is %v", o.Err)
			}
			if !strings.Contains(o.Reason, c.reason) || strings.Contains(o.Reason, e.To) || (c.want != Sent && o.Reason == "") {
				t.Errorf("reason %q, want %q and no address", o.Reason, c.reason)
			}
		})
	}
}

func TestSendWithoutServer(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	smtpURL := "smtp://" + listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	o := newSender(t, smtpURL).Send(t.Context(), rendered(t, Letter{Subject: "A letter"}))
	if o.Result != Deferred || !strings.Contains(o.Reason, "refused") {
		t.Errorf("got %+v", o)
	}
}

func TestSendStopped(t *testing.T) {
	t.Parallel()
	for name, verb := range map[string]string{"before the letter": "MAIL", "at DATA": "DATA"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			sink := startSink(t, hangsAt(verb, cancel)) // stops the worker while the server hangs
			if o := newSender(t, sink.URL()).Send(ctx, rendered(t, Letter{})); o.Result != Deferred || sink.Count() != 0 {
				t.Errorf("got %+v", o)
			}
		})
	}
	t.Run("after the letter, with a reply", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		sink := startSink(t, SinkConfig{verdict: func(net.Conn, SinkMessage) error { cancel(); return nil }})
		sender := newSender(t, sink.URL())
		sender.grace = time.Minute
		if o := sender.Send(ctx, rendered(t, Letter{})); o.Result != Sent || sink.Count() != 1 {
			t.Errorf("got %+v", o)
		}
	})
	t.Run("after the letter, without a reply", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		sink := startSink(t, SinkConfig{verdict: func(net.Conn, SinkMessage) error { cancel(); <-t.Context().Done(); return nil }})
		if o := newSender(t, sink.URL()).Send(ctx, rendered(t, Letter{})); o.Result != Unconfirmed {
			t.Errorf("got %+v", o)
		}
	})
	t.Run("before it began", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		sink := startSink(t, SinkConfig{})
		if o := newSender(t, sink.URL()).Send(ctx, rendered(t, Letter{})); o.Result != Deferred || sink.Count() != 0 {
			t.Errorf("got %+v", o)
		}
	})
}

func TestSendTLS(t *testing.T) {
	t.Parallel()
	config, roots := certificate(t)
	e := rendered(t, Letter{Subject: "A letter"})
	sink := startSink(t, SinkConfig{tls: config})
	send := func(smtpURL string, trusted bool) Outcome {
		sender := newSender(t, smtpURL)
		if trusted {
			sender.roots = roots
		}
		return sender.Send(t.Context(), e)
	}
	if o := send("smtp://"+hostPort(sink)+"?tls=starttls", true); o.Result != Sent || o.Err != nil {
		t.Errorf("STARTTLS: %+v", o)
	}
	if o := send("smtp://"+hostPort(sink)+"?tls=starttls", false); o.Result != Deferred || !strings.Contains(o.Reason, "certificate") {
		t.Errorf("an untrusted certificate: %+v", o)
	}
	plain := startSink(t, SinkConfig{})
	if o := send("smtp://"+hostPort(plain)+"?tls=starttls", true); o.Result != Deferred || plain.Count() != 0 {
		t.Errorf("no STARTTLS on offer: %+v", o)
	}
	if o := send("smtp://"+hostPort(plain), true); o.Result != Sent {
		t.Errorf("this machine without TLS: %+v", o)
	}
	implicit := startSink(t, SinkConfig{wrap: func(c net.Conn) net.Conn { return tls.Server(c, config) }})
	if o := send("smtps://"+hostPort(implicit), true); o.Result != Sent || o.Err != nil || implicit.Count() != 1 {
		t.Errorf("smtps: %+v", o)
	}
}

// TestSendPassword: smtps:// sends the password.
func TestSendPassword(t *testing.T) {
	t.Parallel()
	config, roots := certificate(t)
	listener, err := tls.Listen("tcp", "127.0.0.1:0", config)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	got := make(chan string, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		text := textproto.NewConn(conn)
		_ = text.PrintfLine("220 ready")
		_, _ = text.ReadLine()
		_ = text.PrintfLine("250-hello\r\n250 AUTH PLAIN LOGIN")
		auth, _ := text.ReadLine()
		got <- auth
		_ = text.PrintfLine("535 5.7.8 no")
	}()
	smtpURL := url.URL{Scheme: "smtps", User: url.UserPassword("odo", "p@ss:word/?"), Host: listener.Addr().String()}
	sender := newSender(t, smtpURL.String())
	sender.roots = roots
	o := sender.Send(t.Context(), rendered(t, Letter{Subject: "A letter"}))
	want := "AUTH PLAIN " + base64.StdEncoding.EncodeToString([]byte("\x00odo\x00p@ss:word/?"))
	if auth := <-got; auth != want {
		t.Errorf("got %q, want %q", auth, want)
	}
	if o.Result != Deferred || !strings.Contains(o.Reason, "535") || strings.Contains(o.Reason, "p@ss") {
		t.Errorf("a wrong password: %+v", o)
	}
}

func TestSendInParallel(t *testing.T) {
	t.Parallel()
	sink := startSink(t, SinkConfig{Delay: 5 * time.Millisecond})
	sender := newSender(t, sink.URL())
	e := rendered(t, Letter{Subject: "A letter"})
	outcomes := make(chan Outcome)
	for i := range 20 {
		go func() {
			e := e
			e.MessageID = fmt.Sprintf("ready-%d", i)
			outcomes <- sender.Send(t.Context(), e)
		}()
	}
	for range 20 {
		if o := <-outcomes; o.Result != Sent || o.Err != nil {
			t.Errorf("got %+v", o)
		}
	}
	seen := map[string]bool{}
	for _, m := range sink.Messages() {
		parsed, err := netmail.ReadMessage(bytes.NewReader(m.Data))
		if err != nil {
			t.Fatal(err)
		}
		seen[parsed.Header.Get("Message-Id")] = true
	}
	if len(seen) != 20 {
		t.Errorf("%d different letters arrived, want 20", len(seen))
	}
}

func TestNewSender(t *testing.T) {
	t.Parallel()
	for smtpURL, ok := range map[string]bool{
		"smtp://u:p@mail.example": true, "smtps://mail.example:4650": true, "smtp://[::1]:25": true,
		"smtp://mail.example?tls=none": true, "smtps://mail.example?tls=none": false, "smtp://mail.example?tls=maybe": false,
		"http://mail.example": false, "smtp://": false, "smtp://u:geheim@mail example": false, "smtp://mail.example:x": false,
	} {
		s, err := NewSender(smtpURL, "")
		if (err == nil) != ok || (ok && s == nil) {
			t.Errorf("%s: %v", smtpURL, err)
		}
		if err != nil && strings.Contains(err.Error(), "geheim") {
			t.Errorf("the error shows the password: %v", err)
		}
	}
	if s, err := NewSender("", "x"); s != nil || err != nil {
		t.Errorf("no server: %v, %v", s, err)
	}
	if _, err := NewSender("smtp://mail.example", "not an address"); err == nil {
		t.Error("accepted a MAIL_FROM that is not an address")
	}
	if got := (*Sender)(nil).From("https://books.example:8443").String(); got != `"Backlist" <backlist@books.example>` {
		t.Errorf("default sender %s", got)
	}
}
