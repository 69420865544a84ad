package mail

import (
	"cmp"
	"crypto/x509"
	"errors"
	"net"
	netmail "net/mail"
	"net/url"
	"strconv"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// SMTPTimeout bounds each stage of a delivery: connecting, greeting and signing in, sending, and quitting.
const SMTPTimeout = 15 * time.Second

// Sender hands letters to a mail server. It is safe for concurrent use: each letter has its own connection.
type Sender struct {
	Timeout time.Duration // of a stage; 0: SMTPTimeout

	host           string
	port           int
	user, password string
	implicitTLS    bool
	tlsPolicy      gomail.TLSPolicy
	from           *netmail.Address // nil: backlist@ the site's host
	roots          *x509.CertPool   // nil: the system's
	grace          time.Duration    // 0: the constant of that name
}

// NewSender reads SMTP_URL and MAIL_FROM. It returns nil for an empty smtpURL, which means no mail server.
//
// smtp:// (port 587) requires STARTTLS, except from a server on this machine; smtps:// (port 465) begins with TLS.
// "?tls=none" and "?tls=starttls" override this for smtp://. An empty from means backlist@ the site's host.
func NewSender(smtpURL, from string) (*Sender, error) {
	if smtpURL == "" {
		return nil, nil // no mail server is a choice, not a failure
	}
	s := &Sender{Timeout: SMTPTimeout}
	u, err := url.Parse(smtpURL)
	if err != nil || u.Hostname() == "" || (u.Scheme != "smtp" && u.Scheme != "smtps") {
		return nil, errors.New("SMTP_URL must look like smtp://user:password@host:587") // the URL is not repeated, since it has a password
	}
	if s.host, err = asciiHost(u.Hostname()); err != nil {
		return nil, errors.New("SMTP_URL: the host name is not valid")
	}
	s.user, s.implicitTLS = u.User.Username(), u.Scheme == "smtps"
	s.password, _ = u.User.Password()
	defaultPort := "587"
	if s.implicitTLS {
		defaultPort = "465"
	}
	if s.port, err = strconv.Atoi(cmp.Or(u.Port(), defaultPort)); err != nil || s.port < 1 || s.port > 65535 {
		return nil, errors.New("SMTP_URL: the port must be a number from 1 to 65535")
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
	if s.user != "" && s.tlsPolicy == gomail.NoTLS && !loopback(s.host) {
		return nil, errors.New("SMTP_URL has a user and tls=none: the password would cross the network unencrypted; remove tls=none, or the user and password")
	}
	if from != "" {
		if s.from, err = sender(from); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// sender reads MAIL_FROM. The address must be ASCII, since readers whose mail server does not know SMTPUTF8 get mail
// from it too; the name may be anything.
func sender(from string) (*netmail.Address, error) {
	a, err := netmail.ParseAddress(from)
	if err != nil {
		return nil, errors.New("MAIL_FROM must be an address, with or without a name: Backlist <backlist@example.org>")
	}
	if a.Address, err = ASCIIDomain(a.Address); err != nil {
		return nil, errors.New("MAIL_FROM: the part after the @ is not a valid host name")
	}
	if !isASCII(a.Address) {
		return nil, errors.New("MAIL_FROM: the part before the @ must be ASCII, since many mail servers refuse other letters")
	}
	return a, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

// From returns the sender of the letters of the site at base, which the mailbox shows. It works for a nil Sender.
func (s *Sender) From(base string) *netmail.Address {
	if s != nil && s.from != nil {
		return s.from
	}
	host := "localhost"
	if u, err := url.Parse(base); err == nil && u.Hostname() != "" {
		if ascii, err := asciiHost(u.Hostname()); err == nil {
			host = ascii
		}
	}
	return &netmail.Address{Name: "Backlist", Address: "backlist@" + mailDomain(host)}
}
