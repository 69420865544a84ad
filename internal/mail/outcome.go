package mail

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	gomail "github.com/wneessen/go-mail"
)

// Result is how an attempt to hand a letter over ended.
type Result int

// What can come of an attempt.
const (
	Sent        Result = iota // the server has it
	Again                     // it has not; another time it may
	Refused                   // it has not and never will
	Unconfirmed               // the letter was handed over and the answer was lost
)

// Outcome is a Result and what was said. Unknown means that the server knows no such mailbox.
type Outcome struct {
	Result  Result
	Unknown bool
	Answer  bool   // Said is what the server answered to this letter
	Said    string // the server's last word, or what went wrong; one line of at most maxSaid, for the operator
	Err     error  // nil if all went well; a letter can be Sent and have one. Its text is bounded as Said is
}

// failed is the outcome of an attempt that failed before anything was handed over.
func failed(result Result, err error) Outcome {
	text := said(err)
	return Outcome{Result: result, Said: text, Err: errors.New(text)}
}

// unknownMailbox are the enhanced codes (RFC 3463) that blame the address. A plain 550 does not: many servers say it of
// a sender they do not like, and the address would be given up for nothing.
var unknownMailbox = regexp.MustCompile(`\b5\.1\.(1|3|6|10)\b`)

// forReader is why a letter has not gone out yet, for its reader: nothing of how the site reaches its mail server.
func (o Outcome) forReader() string {
	if o.Answer {
		return o.Said
	}
	return "the site cannot reach its mail server, or is not let in"
}

// classify reads what go-mail reports. The order matters: go-mail calls no network failure temporary, and reports a
// failed farewell after the server took the letter as an error like any other.
func classify(delivered bool, err error) Outcome {
	if err == nil {
		return Outcome{Result: Sent}
	}
	o := failed(Again, err) // the error is stored with the job: the whole of a reply is not
	if delivered {
		o.Result, o.Said = Sent, ""
		return o
	}
	sendErr, ok := errors.AsType[*gomail.SendError](err)
	if !ok {
		return o
	}
	code := sendErr.ErrorCode()
	if code != 0 {
		o.Answer = true
		o.Said = strings.TrimPrefix(o.Said, sendErr.Reason.String()+": ") // the server's own words say enough
	}
	switch {
	case code >= 500 && code <= 599:
		o.Result = Refused
		o.Unknown = sendErr.Reason == gomail.ErrSMTPRcptTo && unknownMailbox.MatchString(o.Said)
	case sendErr.Reason == gomail.ErrSMTPDataClose && code == 0:
		o.Result = Unconfirmed
	}
	return o
}

// quoted is a server's answer as Go's textproto shows it: the code, then the words in Go's quotes.
var quoted = regexp.MustCompile(`\b([245]\d\d) ("(?:[^"\\]|\\.)*")`)

// maxSaid is in bytes: servers are known to answer with a page of advice. It bounds what a message, a suppression and a
// job's error keep of a reply.
const maxSaid = 300

// said makes a line for people of an error: without go-mail's words about itself, which repeat the address.
func said(err error) string {
	s := quoted.ReplaceAllStringFunc(err.Error(), func(answer string) string {
		code, words, _ := strings.Cut(answer, " ")
		if plain, err := strconv.Unquote(words); err == nil {
			words = plain
		}
		return code + " " + words
	})
	s = line(s)
	for _, tail := range []string{", affected recipient(s):", ", affected message ID:"} {
		s, _, _ = strings.Cut(s, tail)
	}
	if len(s) > maxSaid {
		cut := maxSaid
		for !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + "…"
	}
	return s
}
