// Package mask keeps people's addresses out of jobs' logs and stored errors: mail servers and libraries often repeat addresses in
// theirs.
package mask

import (
	"regexp"

	"github.com/backlist/backlist/internal/work/bound"
)

// Address is a regular expression that matches e-mail addresses, and the user, password and host of a URL.
const Address = `[\pL\pN_][^\s<>"(),;/]*@[^\s<>"'(),;/]*[\pL\pN\]]`

var address = regexp.MustCompile(Address)

// Addresses replaces the addresses in a text.
func Addresses(text string) string { return address.ReplaceAllString(text, "(address)") }

// Text returns an error's text as it may be stored. It shortens the text first, because it may be megabytes long.
func Text(text string) string { return Addresses(bound.Text(text, bound.Error)) }

// Error returns err if its text may be stored and logged, else an error that wraps it with a text that may.
func Error(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	if clean := Text(text); clean != text {
		return &masked{clean, err}
	}
	return err
}

type masked struct {
	text  string
	cause error
}

func (e *masked) Error() string { return e.text }

func (e *masked) Unwrap() error { return e.cause }
