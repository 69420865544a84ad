package mail

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	netmail "net/mail"
	"strings"

	gomail "github.com/wneessen/go-mail"
)

// Send makes one attempt to hand a letter to the mail server. When ctx ends half-way it takes a few seconds to hear the
// server out. It never panics and never sends twice.
func (s *Sender) Send(ctx context.Context, e Envelope) Outcome {
	msg, err := s.message(e)
	if err != nil {
		return Outcome{Result: Refused, Said: said(err), Err: err}
	}
	d := &dialer{ctx: ctx, grace: cmp.Or(s.grace, grace)}
	defer d.release()
	client, err := s.client(d, domain(s.From(e.Base).Address))
	if err != nil {
		return Outcome{Result: Again, Said: said(err), Err: err}
	}
	err = client.DialAndSendWithContext(ctx, msg)
	return classify(msg.IsDelivered(), err)
}

// message builds the mail. Its errors are for good: the address or a header cannot be written.
func (s *Sender) message(e Envelope) (*gomail.Msg, error) {
	to, err := netmail.ParseAddress(e.To)
	if err != nil || to.Address != e.To {
		return nil, fmt.Errorf("mail cannot be addressed to %q", e.To)
	}
	from := s.From(e.Base)
	m := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	m.FromMailAddress(from)
	m.ToMailAddress(to)
	m.Subject(line(e.Subject))
	m.SetDateWithValue(e.Date)
	m.SetMessageIDWithValue(e.MessageID + "@" + domain(from.Address))
	// Out-of-office robots leave such mail alone (RFC 3834).
	m.SetGenHeader("Auto-Submitted", "auto-generated")
	switch {
	case strings.HasPrefix(e.Unsubscribe, "https://"):
		if err := m.SetListUnsubscribeOneClick(e.Unsubscribe); err != nil {
			return nil, err
		}
	case e.Unsubscribe != "": // a laptop's: one click is for https only (RFC 8058)
		m.SetListUnsubscribe(e.Unsubscribe)
	}
	m.SetBodyString(gomail.TypeTextPlain, e.Text)
	m.AddAlternativeString(gomail.TypeTextHTML, e.HTML)
	return m, nil
}

func (s *Sender) client(d *dialer, helo string) (*gomail.Client, error) {
	secure := &tls.Config{ServerName: s.host, MinVersion: tls.VersionTLS12, RootCAs: s.roots}
	options := []gomail.Option{
		gomail.WithPort(s.port),
		gomail.WithTimeout(cmp.Or(s.Timeout, SMTPTimeout)),
		gomail.WithTLSPolicy(s.tlsPolicy),
		gomail.WithTLSConfig(secure),
		gomail.WithHELO(helo), // the machine's own name is nobody's business, and on a platform no name at all
		gomail.WithoutNoop(),
		gomail.WithDialContextFunc(d.dial),
	}
	auth := gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover)
	if s.implicitTLS {
		d.secure = secure
		// go-mail does not see that our own dialling has begun with TLS, and would not offer a password.
		auth = gomail.WithOpportunisticSMTPAuth(gomail.SMTPAuthPlain, gomail.SMTPAuthLogin)
		options = append(options, gomail.WithSSL())
	}
	if s.user != "" {
		options = append(options, gomail.WithUsername(s.user), gomail.WithPassword(s.password), auth)
	}
	client, err := gomail.NewClient(s.host, options...)
	if err != nil {
		return nil, fmt.Errorf("set up SMTP: %w", err)
	}
	return client, nil
}
