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

// EmailKey folds an address to what makes it unique; see mail.Key.
func EmailKey(email string) string { return mail.Key(email) }

// checkEmail returns a sentence that says what is wrong with an address, or "". The address has no outer space.
func checkEmail(email string) string {
	const bad = "This does not look like an e-mail address. It should be like name@example.com."
	switch {
	case email == "":
		return "Your e-mail address is missing."
	case len(email) > maxEmail || len(EmailKey(email)) > maxEmail:
		return "This e-mail address is too long: no mail server takes more than 254 characters."
	}
	invisible := func(r rune) bool { return !unicode.IsGraphic(r) || unicode.IsSpace(r) }
	addr, err := netmail.ParseAddress(email)
	if err != nil || addr.Address != email || strings.ContainsFunc(email, invisible) || strings.HasSuffix(email, "]") {
		return bad // also for a name beside the address, quotes, comments and bare IP numbers
	}
	if again, err := netmail.ParseAddress(EmailKey(email)); err != nil || again.Address != EmailKey(email) {
		return bad // a look-alike of "@" or "," that folding brings out
	}
	if _, err := mail.ASCIIDomain(email); err != nil {
		return bad // a host name that DNS cannot have
	}
	return ""
}

// CheckEmail says what is wrong with an address, as form.Invalid{"email": …}, whether or not it has an account.
func CheckEmail(email string) error {
	if wrong := checkEmail(strings.TrimSpace(email)); wrong != "" {
		return form.Invalid{"email": wrong}
	}
	return nil
}
