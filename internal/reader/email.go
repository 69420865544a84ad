package reader

import (
	netmail "net/mail"
	"strings"
	"unicode"

	"github.com/backlist/backlist/internal/form"
	"github.com/backlist/backlist/internal/mail"
)

// maxEmail is the longest address in bytes that SMTP carries: RFC 5321's path of 256 without its angle brackets.
const maxEmail = 254

// EmailKey returns the form of an address that identifies an account; see mail.Key.
func EmailKey(email string) string { return mail.Key(email) }

// checkEmail returns a sentence about what is wrong with an address, or "". The address must be trimmed.
func checkEmail(email string) string {
	const bad = "This does not look like an e-mail address. It should be like name@example.com."
	switch {
	case email == "":
		return "Your e-mail address is missing."
	case len(email) > maxEmail || len(EmailKey(email)) > maxEmail:
		return "This e-mail address is too long: mail servers accept at most 254 characters."
	}
	invisible := func(r rune) bool { return !unicode.IsGraphic(r) || unicode.IsSpace(r) }
	addr, err := netmail.ParseAddress(email)
	if err != nil || addr.Address != email || strings.ContainsFunc(email, invisible) || strings.HasSuffix(email, "]") {
		return bad // also with a name, quotes or comments, and for IP addresses
	}
	if again, err := netmail.ParseAddress(EmailKey(email)); err != nil || again.Address != EmailKey(email) {
		return bad // a look-alike of "@" or "," that folding reveals
	}
	if _, err := mail.ASCIIDomain(email); err != nil {
		return bad // a host name that is invalid in DNS
	}
	return ""
}

// CheckEmail returns form.Invalid{"email": …} if an address is invalid. It does not depend on whether the address has
// an account.
func CheckEmail(email string) error {
	if wrong := checkEmail(strings.TrimSpace(email)); wrong != "" {
		return form.Invalid{"email": wrong}
	}
	return nil
}
