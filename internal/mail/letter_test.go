package mail

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"strings"
	"testing"
)

// received sends one letter and returns it as the server received it.
func received(t *testing.T, e Envelope) (*netmail.Message, map[string]string) {
	t.Helper()
	sink := startSink(t, SinkConfig{})
	if o := newSender(t, sink.URL()).Send(t.Context(), e); o.Result != Sent || o.Err != nil {
		t.Fatalf("not sent: %+v", o)
	}
	m, err := netmail.ReadMessage(bytes.NewReader(sink.Messages()[0].Data))
	if err != nil {
		t.Fatal(err)
	}
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	parts := map[string]string{}
	for r := multipart.NewReader(m.Body, params["boundary"]); ; {
		p, err := r.NextRawPart()
		if err == io.EOF {
			return m, parts
		}
		if err != nil {
			t.Fatal(err)
		}
		kind, _, _ := strings.Cut(p.Header.Get("Content-Type"), ";")
		body, err := io.ReadAll(quotedprintable.NewReader(p))
		if err != nil {
			t.Fatal(err)
		}
		parts[kind] = strings.ReplaceAll(string(body), "\r\n", "\n")
	}
}

func TestSendWholeLetter(t *testing.T) {
	t.Parallel()
	e := rendered(t, Letter{
		Subject: "Drei Bücher für dich", Greeting: "Dear Odo,", Paragraphs: []string{"Here they are."},
		Items:  []Item{{"Middlemarch", "George Eliot, because you liked Emma", "https://backlist.example/books/7"}},
		Action: &Link{"See them all", "https://backlist.example/recommendations"}, After: []string{"Good reading."},
		Unsubscribe: true,
	})
	m, parts := received(t, e)
	token := Token("a secret of the site", 42, KindReady)
	for header, want := range map[string]string{
		"From":                  `"Backlist" <books@backlist.example>`,
		"To":                    "<odo@reader.example>",
		"Date":                  "Mon, 23 Nov 2026 08:42:46 +0000",
		"Message-Id":            "<ready-42-2026-11-23@backlist.example>",
		"Auto-Submitted":        "auto-generated",
		"List-Unsubscribe":      "<https://backlist.example/unsubscribe/" + token + ">",
		"List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
		"User-Agent":            "",
		"X-Mailer":              "",
	} {
		if got := m.Header.Get(header); got != want {
			t.Errorf("%s: %q, want %q", header, got, want)
		}
	}
	if got, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject")); err != nil || got != "Drei Bücher für dich" {
		t.Errorf("subject %q, %v", got, err)
	}
	for _, kind := range []string{"text/plain", "text/html"} {
		for _, want := range []string{
			"Dear Odo,", "Here they are.", "Middlemarch", "because you liked Emma", "https://backlist.example/books/7",
			"See them all", "https://backlist.example/recommendations", "Good reading.", "/unsubscribe/" + token,
		} {
			if !strings.Contains(parts[kind], want) {
				t.Errorf("%s lacks %q:\n%s", kind, want, parts[kind])
			}
		}
	}
	if strings.TrimSpace(parts["text/plain"]) != strings.TrimSpace(e.StoredText) {
		t.Errorf("sent and kept text differ:\n%s\n%s", parts["text/plain"], e.StoredText)
	}
}

func TestSendUnsubscribeWithoutHTTPS(t *testing.T) {
	t.Parallel()
	e := rendered(t, Letter{Subject: "A letter"})
	e.Unsubscribe = "http://localhost:5000/unsubscribe/x"
	m, _ := received(t, e)
	if m.Header.Get("List-Unsubscribe") != "<"+e.Unsubscribe+">" || m.Header.Get("List-Unsubscribe-Post") != "" {
		t.Errorf("headers %v", m.Header)
	}
	e.Unsubscribe = ""
	if m, _ = received(t, e); m.Header.Get("List-Unsubscribe") != "" {
		t.Errorf("a letter that is not optional can be unsubscribed: %v", m.Header)
	}
}

func TestSendInjectsNoHeader(t *testing.T) {
	t.Parallel()
	const evil = "Odo\r\nBcc: all@reader.example\r\n\r\n.\r\nMAIL FROM:<x@y.example>\r\n<b>x</b>\x00\xff"
	e := rendered(t, Letter{
		Subject: evil, Greeting: evil, Paragraphs: []string{evil}, After: []string{evil},
		Items: []Item{{evil, evil, "javascript:alert(1)"}}, Action: &Link{evil, "https://x.example/\r\nBcc: a@b.example"},
	})
	e.Subject = evil // even if it was not cleaned
	m, parts := received(t, e)
	if m.Header.Get("Bcc") != "" || len(m.Header) != 8 {
		t.Errorf("headers %v", m.Header)
	}
	for kind, body := range parts {
		if strings.Contains(body, "javascript:") || strings.Contains(body, "\nBcc") || strings.Contains(body, "\x00") {
			t.Errorf("%s:\n%s", kind, body)
		}
	}
	if strings.Contains(parts["text/html"], "<b>") || !strings.Contains(parts["text/plain"], "<b>") {
		t.Errorf("HTML is not escaped:\n%s", parts["text/html"])
	}
	sink := startSink(t, SinkConfig{})
	for _, to := range []string{"a@b.example\r\nBcc: c@d.example", "a@b.example, c@d.example", "Odo <a@b.example>", "nobody", ""} {
		e.To = to
		if o := newSender(t, sink.URL()).Send(t.Context(), e); o.Result != Refused || o.Unknown || sink.Count() != 0 {
			t.Errorf("%q: %+v", to, o)
		}
	}
}
