package reader

import (
	"net/mail"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/backlist/backlist/internal/form"
)

// maxEmail is the longest address in bytes that SMTP carries: RFC 5321's path of 256 without its angle brackets.
const maxEmail = 254

// EmailKey folds an address to what makes it unique: no outer space, lower case, Unicode's compatible forms (NFKC) made
// one. Dots and plus signs stay: what they mean is for the address's own server to say.
func EmailKey(email string) string {
	// NFKC can bring out new capitals and lower-casing new combinations, hence once more.
	return strings.TrimSpace(norm.NFKC.String(strings.ToLower(norm.NFKC.String(strings.TrimSpace(email)))))
}

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
	addr, err := mail.ParseAddress(email)
	if err != nil || addr.Address != email || strings.ContainsFunc(email, invisible) || strings.HasSuffix(email, "]") {
		return bad // also for a name beside the address, quotes, comments and bare IP numbers
	}
	if again, err := mail.ParseAddress(EmailKey(email)); err != nil || again.Address != EmailKey(email) {
		return bad // a look-alike of "@" or "," that folding brings out
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
