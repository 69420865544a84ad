package mail

import (
	"cmp"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"net/url"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// SMTPTimeout bounds each stage of a delivery: connecting, greeting and signing in, handing over, and parting.
const SMTPTimeout = 15 * time.Second

// Sender hands letters to a mail server. It may be used by many goroutines at once; each letter has a connection of its
// own.
type Sender struct {
	Timeout time.Duration // a stage's; SMTPTimeout unless set

	host           string
	port           int
	user, password string
	implicitTLS    bool
	tlsPolicy      gomail.TLSPolicy
	from           *netmail.Address // nil: backlist@ the site's host
	roots          *x509.CertPool   // nil: the system's
	grace          time.Duration    // 0: as the constant says
}

// NewSender reads SMTP_URL and MAIL_FROM. An empty smtpURL gives a nil Sender: no mail server.
//
// smtp:// (port 587) insists on STARTTLS, but takes what it gets from this very machine; smtps:// (port 465) begins
// with TLS. "?tls=none" or "?tls=starttls" decides for smtp:// otherwise. An empty from means backlist@ the site's host.
func NewSender(smtpURL, from string) (*Sender, error) {
	if smtpURL == "" {
		return nil, nil //nolint:nilnil // no sender is a choice, not a failure
	}
	s := &Sender{Timeout: SMTPTimeout}
	u, err := url.Parse(smtpURL)
	if err != nil || u.Hostname() == "" || (u.Scheme != "smtp" && u.Scheme != "smtps") {
		return nil, errors.New("SMTP_URL must look like smtp://user:password@host:587") // not repeated: it has a password
	}
	s.host, s.user, s.implicitTLS = u.Hostname(), u.User.Username(), u.Scheme == "smtps"
	s.password, _ = u.User.Password()
	defaultPort := "587"
	if s.implicitTLS {
		defaultPort = "465"
	}
	if s.port, err = strconv.Atoi(cmp.Or(u.Port(), defaultPort)); err != nil {
		return nil, errors.New("SMTP_URL: the port must be a number")
	}
	switch tls := u.Query().Get("tls"); {
	case tls == "none" && !s.implicitTLS:
		s.tlsPolicy = gomail.NoTLS
	case tls == "" && loopback(s.host):
		s.tlsPolicy = gomail.TLSOpportunistic
	case tls == "" || (tls == "starttls" && !s.implicitTLS):
		s.tlsPolicy = gomail.TLSMandatory
	default:
		return nil, errors.New("SMTP_URL: tls must be none or starttls, and only with smtp://")
	}
	if from != "" {
		if s.from, err = netmail.ParseAddress(from); err != nil {
			return nil, fmt.Errorf("MAIL_FROM must look like: Backlist <backlist@example.org> (%w)", err)
		}
	}
	return s, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

// From is the sender that letters of the site at base carry, for the mailbox to show. It works for a nil Sender.
func (s *Sender) From(base string) *netmail.Address {
	if s != nil && s.from != nil {
		return s.from
	}
	host := "localhost"
	if u, err := url.Parse(base); err == nil && u.Hostname() != "" {
		host = u.Hostname()
	}
	return &netmail.Address{Name: "Backlist", Address: "backlist@" + host}
}

// domain is what follows the @ of an address.
func domain(address string) string { return address[strings.LastIndexByte(address, '@')+1:] }
