package mail

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/wneessen/go-mail/smtp"
)

// login signs in to the mail server with the plain password. The connection must be encrypted or local: NewSender
// accepts nothing else, and go-mail enforces the encryption.
//
// go-mail's own choice is not used: without TLS it offers PLAIN and LOGIN not even to a local server, and it prefers
// SCRAM, in which the server sets how many rounds of hashing the client must compute, without a limit.
type login struct {
	user, password string
	host           string // the server, as go-mail calls it
	loopback       bool   // the server is this machine

	smtp.Auth // chosen by Start
}

// mechanisms are those that login knows, the best first.
var mechanisms = []string{"PLAIN", "LOGIN", "CRAM-MD5"}

// Start chooses a mechanism that the server offers.
func (l *login) Start(server *smtp.ServerInfo) (mechanism string, first []byte, err error) {
	if !server.TLS && !l.loopback {
		return "", nil, errors.New("the connection is not encrypted, so the password was not sent")
	}
	for _, m := range mechanisms {
		if !slices.ContainsFunc(server.Auth, func(offer string) bool { return strings.EqualFold(offer, m) }) {
			continue
		}
		switch m {
		case "PLAIN":
			l.Auth = smtp.PlainAuth("", l.user, l.password, l.host, true)
		case "LOGIN":
			l.Auth = smtp.LoginAuth(l.user, l.password, l.host, true)
		case "CRAM-MD5":
			l.Auth = smtp.CRAMMD5Auth(l.user, l.password)
		}
		return l.Auth.Start(server)
	}
	if len(server.Auth) == 0 {
		return "", nil, errors.New("the mail server offers no sign-in here: check the port in SMTP_URL, or leave user and password out of it")
	}
	return "", nil, fmt.Errorf("the mail server offers no sign-in that Backlist knows (%s): it offers %s",
		strings.Join(mechanisms, ", "), strings.Join(server.Auth, ", "))
}
