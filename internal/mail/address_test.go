package mail

import (
	"net"
	"strings"
	"sync"
	"testing"
)

// transcript records what clients send.
type transcript struct {
	mu   sync.Mutex
	sent strings.Builder
}

func (t *transcript) wrap(c net.Conn) net.Conn { return &overheard{c, t} }

func (t *transcript) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.sent.String()
}

type overheard struct {
	net.Conn
	by *transcript
}

func (o *overheard) Read(p []byte) (int, error) {
	n, err := o.Conn.Read(p)
	o.by.mu.Lock()
	defer o.by.mu.Unlock()
	o.by.sent.Write(p[:n])
	return n, err
}

func TestKey(t *testing.T) {
	t.Parallel()
	for _, same := range [][]string{
		{"odo@reader.example", " Odo@Reader.Example ", "ｏｄｏ@reader.example"},
		{"odo@xn--bcher-kva.example", "odo@bücher.example", "ODO@BÜCHER.example", "odo@bu\u0308cher.example", "odo@XN--bcher-kva.example"},
		{"odo@xn--fsqu00a.xn--0zwm56d", "odo@例子.测试"},
		{"jörg@xn--bcher-kva.example", "JÖRG@bücher.example"},
		{"not an address"},
		{"odo@" + strings.Repeat("ü", 2000)}, // longer than any name, so it is not converted to ASCII
	} {
		for _, address := range same {
			if got := Key(address); got != same[0] {
				t.Errorf("%q has the key %q, want %q", address, got, same[0])
			}
		}
	}
}

// TestSendBeyondASCII: DNS and most mail servers know only ASCII. A domain is sent in its ASCII form, and a local part
// beyond ASCII only to a server that offers SMTPUTF8.
func TestSendBeyondASCII(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		to    string
		ascii bool
		want  Result
		rcpt  string
		utf8  bool // MAIL has the parameter SMTPUTF8
	}{
		"ASCII":                         {to: "odo@reader.example", rcpt: "odo@reader.example"},
		"a domain":                      {to: "odo@bücher.example", rcpt: "odo@xn--bcher-kva.example"},
		"a domain, ASCII server":        {to: "odo@bücher.example", ascii: true, rcpt: "odo@xn--bcher-kva.example"},
		"a name before the @":           {to: "jörg@bücher.example", rcpt: "jörg@xn--bcher-kva.example", utf8: true},
		"a name, ASCII server":          {to: "jörg@reader.example", ascii: true, want: Refused},
		"a domain that DNS cannot have": {to: "odo@-bücher-.example", want: Refused},
		"a domain of mixed directions":  {to: "odo@aא.example", want: Refused},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			heard := new(transcript)
			sink := startSink(t, SinkConfig{ascii: c.ascii, wrap: heard.wrap})
			e := rendered(t, Letter{Subject: "A letter"})
			e.To = c.to
			o := newSender(t, sink.URL()).Send(t.Context(), e)
			if o.Result != c.want || o.Unknown {
				t.Fatalf("got %+v", o)
			}
			if c.want == Refused {
				if c.ascii && !strings.Contains(o.Reason, "does not offer SMTPUTF8") {
					t.Errorf("reason %q", o.Reason)
				}
				return
			}
			m := sink.Messages()[0]
			if m.To[0] != c.rcpt || !strings.Contains(string(m.Data), "To: <"+c.rcpt+">") {
				t.Errorf("sent to %q, want %q:\n%.500s", m.To, c.rcpt, m.Data)
			}
			if got := strings.Contains(heard.text(), " SMTPUTF8\r\n"); got != c.utf8 {
				t.Errorf("MAIL with SMTPUTF8: %t, want %t\n%s", got, c.utf8, heard.text())
			}
		})
	}
}

// TestSenderBeyondASCII: the site's own name is ASCII wherever it is sent.
func TestSenderBeyondASCII(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ from, base, want, address, helo string }{
		{"", "https://bücher.example", `"Backlist" <backlist@xn--bcher-kva.example>`, "backlist@xn--bcher-kva.example", "xn--bcher-kva.example"},
		{"Bücherei <post@bücher.example>", base, `=?utf-8?q?B=C3=BCcherei?= <post@xn--bcher-kva.example>`, "post@xn--bcher-kva.example", "xn--bcher-kva.example"},
		{"", "http://127.0.0.1:5000", `"Backlist" <backlist@[127.0.0.1]>`, "backlist@[127.0.0.1]", "[127.0.0.1]"},
		{"", "http://[::1]:5000", `"Backlist" <backlist@[IPv6:::1]>`, "backlist@[IPv6:::1]", "[IPv6:::1]"},
	} {
		heard := new(transcript)
		sink := startSink(t, SinkConfig{wrap: heard.wrap})
		sender, err := NewSender(sink.URL(), c.from)
		if err != nil {
			t.Fatal(err)
		}
		e := rendered(t, Letter{Subject: "A letter"})
		e.Base = c.base
		if o := sender.Send(t.Context(), e); o.Result != Sent || o.Err != nil {
			t.Errorf("%s at %s: got %+v", c.from, c.base, o)
			continue
		}
		data := string(sink.Messages()[0].Data)
		for _, want := range []string{"From: " + c.want + "\r\n", "Message-ID: <" + e.MessageID + "@" + c.helo + ">\r\n"} {
			if !strings.Contains(data, want) {
				t.Errorf("%s at %s: want %q in\n%.700s", c.from, c.base, want, data)
			}
		}
		if text := heard.text(); !strings.HasPrefix(text, "EHLO "+c.helo+"\r\n") || !strings.Contains(text, "MAIL FROM:<"+c.address+">") {
			t.Errorf("%s at %s: the client sent\n%.300s", c.from, c.base, text)
		}
	}
	for _, from := range []string{"jörg@bücher.example", "odo@-ü.example", "Odo <odo@x.example>\r\nBcc: all@x.example", "a@x.example, b@x.example"} {
		if _, err := NewSender("smtp://mail.example", from); err == nil || !strings.HasPrefix(err.Error(), "MAIL_FROM") || strings.Contains(err.Error(), "\n") {
			t.Errorf("MAIL_FROM %q: %v", from, err)
		}
	}
	s, err := NewSender("smtp://smtp.bücher.example", "")
	if err != nil || s.host != "smtp.xn--bcher-kva.example" {
		t.Errorf("a mail server's name beyond ASCII: %+v, %v", s, err)
	}
}
