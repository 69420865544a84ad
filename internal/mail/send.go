package mail

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	netmail "net/mail"
	"strings"

	gomail "github.com/wneessen/go-mail"
)

// errSMTPUTF8 is final: another attempt at the same server would fail too.
var errSMTPUTF8 = errors.New("the mail server cannot send to an address with letters beyond ASCII before the @ (it does not offer SMTPUTF8)")

// Send makes one attempt to hand a letter to the mail server; it never sends the letter twice. If ctx ends meanwhile,
// Send waits a few more seconds for the server's reply.
func (s *Sender) Send(ctx context.Context, e Envelope) Outcome {
	msg, err := s.message(e)
	if err != nil {
		return failed(Refused, err)
	}
	d := &dialer{ctx: ctx, grace: cmp.Or(s.grace, grace)}
	defer d.release()
	utf8 := !isASCII(localPart(e.To))
	client, err := s.client(d, s.From(e.Base).Address, utf8)
	if err != nil {
		return failed(Deferred, err)
	}
	err = converse(ctx, client, msg, utf8)
	if errors.Is(err, errSMTPUTF8) {
		return failed(Refused, err)
	}
	o := classify(msg.IsDelivered(), err)
	if o.Err == nil || !d.exceeded() {
		return o
	}
	o.Err, o.Unknown, o.FromServer = errTooMuch, false, false
	if o.Result != Sent {
		o.Reason = errTooMuch.Error()
	}
	if o.Result == Refused { // by an incomplete reply
		o.Result = Deferred
	}
	return o
}

// converse connects, sends the letter and quits. A failed QUIT is an error only if everything else went well.
func converse(ctx context.Context, client *gomail.Client, msg *gomail.Msg, utf8 bool) error {
	conn, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return err
	}
	if offered, _ := conn.Extension("SMTPUTF8"); utf8 && !offered {
		err = errSMTPUTF8
	} else {
		err = client.SendWithSMTPClient(conn, msg)
	}
	if quitErr := client.CloseWithSMTPClient(conn); err == nil {
		err = quitErr
	}
	return err
}

// Check connects and signs in to the mail server as Send does, and sends nothing. base is the site's URL.
func (s *Sender) Check(ctx context.Context, base string) error {
	d := &dialer{ctx: ctx, grace: cmp.Or(s.grace, grace)}
	defer d.release()
	client, err := s.client(d, s.From(base).Address, false)
	if err != nil {
		return err
	}
	conn, err := client.DialToSMTPClientWithContext(ctx)
	switch {
	case d.exceeded():
		return errTooMuch
	case err != nil:
		return errors.New(reason(err))
	}
	_ = client.CloseWithSMTPClient(conn) // a failed QUIT does not affect the next letter
	return nil
}

// message builds the mail. Its errors are final: the address or a header cannot be written.
func (s *Sender) message(e Envelope) (*gomail.Msg, error) {
	to, err := netmail.ParseAddress(e.To)
	if err != nil || to.Address != e.To {
		return nil, fmt.Errorf("mail cannot be addressed to %q", e.To)
	}
	if to.Address, err = ASCIIDomain(to.Address); err != nil {
		return nil, fmt.Errorf("mail cannot be addressed to %q: %w", e.To, err)
	}
	from := s.From(e.Base)
	m := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	m.FromMailAddress(from)
	m.ToMailAddress(to)
	m.Subject(line(e.Subject))
	m.SetDateWithValue(e.Date)
	m.SetMessageIDWithValue(e.MessageID + "@" + domain(from.Address))
	// Out-of-office responders do not answer such mail (RFC 3834).
	m.SetGenHeader("Auto-Submitted", "auto-generated")
	switch {
	case strings.HasPrefix(e.Unsubscribe, "https://"):
		if err := m.SetListUnsubscribeOneClick(e.Unsubscribe); err != nil {
			return nil, err
		}
	case e.Unsubscribe != "": // a laptop's; one click requires https (RFC 8058)
		m.SetListUnsubscribe(e.Unsubscribe)
	}
	m.SetBodyString(gomail.TypeTextPlain, e.Text)
	m.AddAlternativeString(gomail.TypeTextHTML, e.HTML)
	return m, nil
}

// client sets up an SMTP session. utf8 is whether an address needs SMTPUTF8; other letters do not ask for it, because a
// relay may return mail that is marked with it.
func (s *Sender) client(d *dialer, from string, utf8 bool) (*gomail.Client, error) {
	secure := &tls.Config{ServerName: s.host, MinVersion: tls.VersionTLS12, RootCAs: s.roots}
	options := []gomail.Option{
		gomail.WithPort(s.port),
		gomail.WithTimeout(cmp.Or(s.Timeout, SMTPTimeout)),
		gomail.WithTLSPolicy(s.tlsPolicy),
		gomail.WithTLSConfig(secure),
		gomail.WithHELO(domain(from)), // the machine's own name would reveal it, and a platform's is not a domain
		gomail.WithoutNoop(),
		gomail.WithDialContextFunc(d.dial),
	}
	if s.implicitTLS {
		d.secure = secure
		options = append(options, gomail.WithSSL())
	}
	if s.user != "" {
		options = append(options, gomail.WithSMTPAuthCustom(&login{
			user: s.user, password: s.password, host: s.host, loopback: loopback(s.host),
		}))
	}
	if !utf8 {
		options = append(options, gomail.WithoutSMTPUTF8())
	}
	client, err := gomail.NewClient(s.host, options...)
	if err != nil {
		return nil, fmt.Errorf("set up SMTP: %w", err)
	}
	return client, nil
}
