// Package mask keeps people's addresses out of what is logged and stored of jobs, which mail servers and libraries like to repeat.
package mask

import (
	"regexp"

	"github.com/backlist/backlist/internal/work/bound"
)

// Address is a regular expression for what looks like an e-mail address, or like the user, password and host of a URL.
const Address = `[\pL\pN_][^\s<>"(),;/]*@[^\s<>"'(),;/]*[\pL\pN\]]`

var address = regexp.MustCompile(Address)

// Addresses replaces the addresses in a text.
func Addresses(text string) string { return address.ReplaceAllString(text, "(address)") }

// Text is an error's text as it may be stored. It is shortened first: texts of megabytes come from outside.
func Text(text string) string { return Addresses(bound.Text(text, bound.Error)) }

// Error returns err, or an error that wraps it and whose text may be stored and logged.
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
