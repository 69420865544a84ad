package mail

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/url"
	"strings"
	"testing"

	"github.com/wneessen/go-mail/smtp"
)

// TestSignIn: a local server gets the password without TLS too, with any mechanism that it offers.
func TestSignIn(t *testing.T) {
	t.Parallel()
	const user, password = "odo", "p@ss:wörd/?#%"
	for offer, want := range map[string]string{
		"AUTH PLAIN":               "\x00odo\x00" + password,
		"AUTH LOGIN":               "odo " + password,
		"AUTH LOGIN PLAIN":         "\x00odo\x00" + password,
		"AUTH SCRAM-SHA-256 LOGIN": "odo " + password,
		"AUTH CRAM-MD5":            "odo ",
	} {
		t.Run(offer, func(t *testing.T) {
			t.Parallel()
			sent := make(chan string, 1)
			at := startScript(t, authenticating(offer, sent))
			smtpURL := url.URL{Scheme: "smtp", User: url.UserPassword(user, password), Host: at}
			if o := newSender(t, smtpURL.String()).Send(t.Context(), rendered(t, Letter{})); o.Result != Sent || o.Err != nil {
				t.Fatalf("got %+v", o)
			}
			if got := <-sent; !strings.HasPrefix(got, want) {
				t.Errorf("the client sent %q, want %q", got, want)
			}
		})
	}
}

// authenticating is a server that accepts any sign-in, and reports what the client sent.
func authenticating(offer string, sent chan<- string) script {
	var steps []string
	decode := func(s string) string {
		text, _ := base64.StdEncoding.DecodeString(s)
		return string(text)
	}
	expect := 0
	return func(line string, say io.Writer) bool {
		fields := strings.Fields(line)
		switch {
		case len(fields) > 1 && fields[0] == "AUTH":
			expect = map[string]int{"LOGIN": 2, "CRAM-MD5": 1}[fields[1]]
			if len(fields) > 2 {
				steps = append(steps, decode(fields[2]))
			}
		case expect > 0:
			steps = append(steps, decode(line))
			expect--
		default:
			return polite(line, say, offer)
		}
		if expect > 0 {
			fmt.Fprintf(say, "334 %s\r\n", base64.StdEncoding.EncodeToString([]byte("go on")))
			return true
		}
		sent <- strings.Join(steps, " ")
		fmt.Fprint(say, "235 welcome\r\n")
		return true
	}
}

// TestSignInImpossible: the reason tells the operator what to do, and the letter is retried.
func TestSignInImpossible(t *testing.T) {
	t.Parallel()
	for offer, want := range map[string]string{
		"HELP":                      "offers no sign-in here: check the port in SMTP_URL, or leave user and password out",
		"AUTH SCRAM-SHA-256 GSSAPI": "offers no sign-in that Backlist knows (PLAIN, LOGIN, CRAM-MD5): it offers SCRAM-SHA-256, GSSAPI",
	} {
		at := startScript(t, func(line string, say io.Writer) bool { return polite(line, say, offer) })
		sender := newSender(t, "smtp://odo:geheim@"+at)
		o := sender.Send(t.Context(), rendered(t, Letter{}))
		if o.Result != Deferred || !strings.Contains(o.Reason, want) || strings.Contains(o.Reason, "geheim") {
			t.Errorf("%s: got %+v", offer, o)
		}
		if err := sender.Check(t.Context(), base); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: Check: %v", offer, err)
		}
	}
}

// TestSignInUnencrypted: no URL makes a password cross a network unencrypted.
func TestSignInUnencrypted(t *testing.T) {
	t.Parallel()
	if _, err := NewSender("smtp://odo:geheim@mail.example?tls=none", ""); err == nil || !strings.Contains(err.Error(), "remove tls=none") || strings.Contains(err.Error(), "geheim") {
		t.Errorf("got %v", err)
	}
	l := &login{user: "odo", password: "geheim", host: "mail.example"}
	if _, _, err := l.Start(&smtp.ServerInfo{Name: "mail.example", Auth: []string{"PLAIN"}}); err == nil || !strings.Contains(err.Error(), "not encrypted") {
		t.Errorf("got %v", err)
	}
}

// TestCheck: a server that would accept mail passes, and gets none.
func TestCheck(t *testing.T) {
	t.Parallel()
	sink := startSink(t, SinkConfig{})
	if err := newSender(t, sink.URL()).Check(t.Context(), base); err != nil || sink.Count() != 0 {
		t.Errorf("%v, %d mails", err, sink.Count())
	}
	if err := newSender(t, "smtp://127.0.0.1:1").Check(t.Context(), base); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("no server: %v", err)
	}
}
