package mail

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	gomail "github.com/wneessen/go-mail"
)

// Result is how an attempt to send a letter ended.
type Result int

// The results of an attempt.
const (
	Sent        Result = iota // the server accepted the letter
	Deferred                  // it did not, and may later
	Refused                   // it did not, and never will
	Unconfirmed               // the letter was sent, and the reply was lost
)

// Outcome is a Result and its reason.
type Outcome struct {
	Result     Result
	Unknown    bool   // the server does not know the mailbox
	FromServer bool   // Reason is the server's reply to this letter
	Reason     string // the server's last reply, or what went wrong; one line of at most maxReason, for the operator
	Err        error  // nil if all went well; a Sent letter can have one too. Its text is as short as Reason
}

// failed is the outcome of an attempt that failed before the letter was sent.
func failed(result Result, err error) Outcome {
	text := reason(err)
	return Outcome{Result: result, Reason: text, Err: errors.New(text)}
}

// unknownMailbox matches the enhanced codes (RFC 3463) that blame the address. A plain 550 does not: many servers
// return it for a sender that they reject, and a good address would be suppressed.
var unknownMailbox = regexp.MustCompile(`\b5\.1\.(1|3|6|10)\b`)

// forReader is why a letter has not been sent, in words for its reader: it shows nothing of how the site reaches its
// mail server.
func (o Outcome) forReader() string {
	if o.FromServer {
		return o.Reason
	}
	return "the site cannot reach its mail server, or is not let in"
}

// classify reads go-mail's report. The order matters: go-mail does not call network failures temporary, and reports a
// failed QUIT after the server accepted the letter like any other error.
func classify(delivered bool, err error) Outcome {
	if err == nil {
		return Outcome{Result: Sent}
	}
	o := failed(Deferred, err) // the error is stored with the job, so it must not hold a whole reply
	if delivered {
		o.Result, o.Reason = Sent, ""
		return o
	}
	sendErr, ok := errors.AsType[*gomail.SendError](err)
	if !ok {
		return o
	}
	code := sendErr.ErrorCode()
	if code != 0 {
		o.FromServer = true
		o.Reason = strings.TrimPrefix(o.Reason, sendErr.Reason.String()+": ") // the server's own words are enough
	}
	switch {
	case code >= 500 && code <= 599:
		o.Result = Refused
		o.Unknown = sendErr.Reason == gomail.ErrSMTPRcptTo && unknownMailbox.MatchString(o.Reason)
	case sendErr.Reason == gomail.ErrSMTPDataClose && code == 0:
		o.Result = Unconfirmed
	}
	return o
}

// quoted matches a server's reply as Go's textproto shows it: the code, then the words in Go's quotes.
var quoted = regexp.MustCompile(`\b([245]\d\d) ("(?:[^"\\]|\\.)*")`)

// maxReason is in bytes. It bounds how much of a reply a message, a suppression and a job's error keep: some servers
// reply with a page of advice.
const maxReason = 300

// reason makes one readable line of an error, without the words that go-mail adds, which repeat the address.
func reason(err error) string {
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
	if len(s) > maxReason {
		cut := maxReason
		for !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + "…"
	}
	return s
}
