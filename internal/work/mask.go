package work

import (
	"context"
	"regexp"

	"github.com/riverqueue/river/rivertype"

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

// maskAddresses keeps people's addresses out of what is kept of a failed attempt, which mail servers like to repeat, and bounds
// it.
func maskAddresses(ctx context.Context, _ *rivertype.JobRow, doInner func(context.Context) error) error {
	err := doInner(ctx)
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
