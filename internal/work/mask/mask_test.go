package mask

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
)

func TestError(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"nothing to hide":                                 "nothing to hide",
		"451 <odo@example.org>: try later":                "451 <(address)>: try later",
		"dial smtp://postman:s3cr3t@mail.example.org:587": "dial smtp://(address)",
		"nul \x00": "nul \ufffd",
	} {
		cause := errors.Join(io.EOF, errors.New(text))
		err := Error(cause)
		if got := strings.TrimPrefix(err.Error(), "EOF\n"); got != want || !errors.Is(err, io.EOF) {
			t.Errorf("%q becomes %q, want %q (%v)", text, got, want, errors.Is(err, io.EOF))
		}
	}
	if Error(nil) != nil || !errors.Is(Error(io.EOF), io.EOF) {
		t.Error("an error without an address changes")
	}
}

func TestHandler(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := slog.New(Handler{slog.NewTextHandler(&out, nil)}).With("from", "a@example.org").WithGroup("g")
	log.Info("to b@example.org", "n", 1, slog.Group("h", "cc", "c@example.org"))
	for _, want := range []string{`msg="to (address)"`, "from=(address)", "g.n=1", "g.h.cc=(address)"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %s in %s", want, out.String())
		}
	}
}
