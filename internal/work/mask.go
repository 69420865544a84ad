package work

import (
	"regexp"

	"github.com/backlist/backlist/internal/work/bound"
)

// address is whatever looks like an e-mail address, or like the user, password and host of a URL.
var address = regexp.MustCompile(`[\pL\pN_][^\s<>"(),;/]*@[^\s<>"'(),;/]*[\pL\pN\]]`)

// masked is an error whose text can be kept with the job and logged.
type masked struct {
	text  string
	cause error
}

func (e *masked) Error() string { return e.text }

func (e *masked) Unwrap() error { return e.cause }

// mask keeps people's addresses out of what is stored of a failed attempt, since mail servers like to repeat them, and bounds
// its text.
func mask(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	if clean := fitting(text); clean != text {
		return &masked{clean, err}
	}
	return err
}

// fitting is an error's text as it may be kept. It is shortened first: texts of megabytes come from outside.
func fitting(text string) string { return hideAddresses(bound.Text(text, bound.Error)) }

func hideAddresses(text string) string { return address.ReplaceAllString(text, "(address)") }
