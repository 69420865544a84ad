package mail

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// flood is more than any server needs to send. A client without a limit reads all of it.
const flood = 8 << 20

// TestTalkativeServer: a server that sends endless replies costs a letter one attempt, and at most maxReplies of
// memory.
func TestTalkativeServer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		at, head, piece string
		want            Result
		failed          bool // sent, with an error
	}{
		"an endless line for a greeting":  {at: "", piece: strings.Repeat("x", 1024)},
		"an endless greeting":             {at: "", piece: "220-welcome to the mail server\r\n"},
		"extensions without end":          {at: "EHLO", piece: "250-X-EXTENSION\r\n"},
		"a sender refused at length":      {at: "MAIL", piece: "451-4.7.1 please read our terms of use\r\n"},
		"a recipient refused at length":   {at: "RCPT", piece: "451-4.7.1 please read our terms of use\r\n"},
		"an endless line for a recipient": {at: "RCPT", head: "550 5.1.1 ", piece: strings.Repeat("x", 1024)},
		"other codes in one reply":        {at: "RCPT", piece: "451-a\r\n250-b\r\nc\r\n"},
		"a reply to RSET after the mail":  {at: "RSET", piece: "250-ok\r\n", want: Sent, failed: true},
		"a reply to QUIT after the mail":  {at: "QUIT", piece: "221-bye\r\n", want: Sent, failed: true},
	} {
		if c.want == Sent && !c.failed {
			c.want = Deferred
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := startScript(t, func(line string, say io.Writer) bool {
				if verb, _, _ := strings.Cut(line, " "); verb != c.at {
					return polite(line, say)
				}
				_, _ = io.WriteString(say, c.head)
				pour(say, c.piece)
				return false
			})
			sender := newSender(t, "smtp://"+at)
			sender.Timeout = time.Minute
			o := sender.Send(t.Context(), rendered(t, Letter{Subject: "A letter"}))
			if o.Result != c.want || o.Unknown || !errors.Is(o.Err, errTooMuch) || (c.want != Sent && o.Reason != errTooMuch.Error()) {
				t.Errorf("got %d, %.500s", o.Result, o.Reason)
			}
		})
	}
}

// pour writes piece after piece until the client hangs up or has read a flood.
func pour(w io.Writer, piece string) {
	pieces := strings.Repeat(piece, 1+16<<10/len(piece))
	for range flood / len(pieces) {
		if _, err := io.WriteString(w, pieces); err != nil {
			return
		}
	}
}

// TestTalkativeServerAfterTheLetter: the server has received the letter, so it may arrive and is not sent again.
func TestTalkativeServerAfterTheLetter(t *testing.T) {
	t.Parallel()
	sink := startSink(t, SinkConfig{verdict: func(conn net.Conn, _ SinkMessage) error {
		pour(conn, "250-taken\r\n")
		return conn.Close()
	}})
	sender := newSender(t, sink.URL())
	sender.Timeout = time.Minute
	if o := sender.Send(t.Context(), rendered(t, Letter{})); o.Result != Unconfirmed || !errors.Is(o.Err, errTooMuch) {
		t.Errorf("got %d, %.500s", o.Result, o.Reason)
	}
}

// TestTalkativeServerWithTLS: the limit counts encrypted replies too.
func TestTalkativeServerWithTLS(t *testing.T) {
	t.Parallel()
	config, roots := certificate(t)
	at := startScript(t, func(line string, say io.Writer) bool {
		if line != "STARTTLS" {
			return polite(line, say, "STARTTLS")
		}
		fmt.Fprint(say, "220 go on\r\n")
		secured := tls.Server(say.(net.Conn), config)
		script(func(line string, say io.Writer) bool {
			if line == "" {
				return true
			}
			pour(say, "250-X-EXTENSION\r\n")
			return false
		}).serve(secured)
		return false
	})
	sender := newSender(t, "smtp://"+at+"?tls=starttls")
	sender.Timeout, sender.roots = time.Minute, roots
	if o := sender.Send(t.Context(), rendered(t, Letter{})); o.Result != Deferred || !errors.Is(o.Err, errTooMuch) {
		t.Errorf("got %d, %.500s", o.Result, o.Reason)
	}
}

// TestSlowServer: a server that sends a byte now and then does not delay a letter longer than a silent one.
func TestSlowServer(t *testing.T) {
	t.Parallel()
	for _, verb := range []string{"", "EHLO", "RCPT"} {
		at := startScript(t, func(line string, say io.Writer) bool {
			if v, _, _ := strings.Cut(line, " "); v != verb {
				return polite(line, say)
			}
			for {
				if _, err := say.Write([]byte("2")); err != nil {
					return false
				}
				time.Sleep(time.Millisecond)
			}
		})
		sender := newSender(t, "smtp://"+at)
		sender.Timeout = 100 * time.Millisecond
		if o := sender.Send(t.Context(), rendered(t, Letter{})); o.Result != Deferred {
			t.Errorf("at %q: got %+v", verb, o)
		}
	}
}

// TestLongReplyIsKeptShort: a message and a job keep one line of a long reply within the limit.
func TestLongReplyIsKeptShort(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"451", "550"} {
		at := startScript(t, func(line string, say io.Writer) bool {
			if !strings.HasPrefix(line, "RCPT") {
				return polite(line, say)
			}
			reply := bytes.Repeat([]byte(code+"-5.1.1 please read our terms of use\r\n"), 1000)
			_, _ = say.Write(append(reply, code+" end\r\n"...))
			return true
		})
		o := newSender(t, "smtp://"+at).Send(t.Context(), rendered(t, Letter{}))
		if want := map[string]Result{"451": Deferred, "550": Refused}[code]; o.Result != want {
			t.Errorf("%s: got %+v", code, o)
		}
		if !strings.HasPrefix(o.Reason, code+" 5.1.1 please read") || len(o.Reason) > maxReason+3 || len(o.Err.Error()) > maxReason+3 {
			t.Errorf("%s: the message keeps %d bytes of the reply, the job %d: %s", code, len(o.Reason), len(o.Err.Error()), o.Reason)
		}
	}
}
