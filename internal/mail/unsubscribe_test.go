package mail

import (
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river/rivertype"
)

func TestToken(t *testing.T) {
	t.Parallel()
	token := Token(secret, 42, KindReady)
	if id, kind, err := ParseToken(secret, token); id != 42 || kind != KindReady || err != nil {
		t.Errorf("%d %s %v", id, kind, err)
	}
	if strings.Trim(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") != "" {
		t.Errorf("%s does not fit into a path", token)
	}
	for i := range len(token) {
		for _, c := range []byte{token[i] ^ 1, token[i] ^ 32, '.', 0} {
			bad := token[:i] + string(c) + token[i+1:]
			if _, _, err := ParseToken(secret, bad); bad != token && !errors.Is(err, ErrToken) {
				t.Fatalf("%q: %v", bad, err)
			}
		}
	}
	for _, bad := range []string{"", ".", token[:len(token)-1], token + "A", " " + token, token + "\n", Token("another secret", 42, KindReady)} {
		if _, _, err := ParseToken(secret, bad); !errors.Is(err, ErrToken) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func FuzzParseToken(f *testing.F) {
	f.Add(Token(secret, 42, KindReady))
	f.Add(Token(secret, -1, ""))
	f.Add("")
	f.Add("NDIucmVhZHk.")
	f.Fuzz(func(t *testing.T, token string) {
		id, kind, err := ParseToken(secret, token)
		if err == nil && Token(secret, id, kind) != token {
			t.Errorf("%q passes for reader %d, %q", token, id, kind)
		}
	})
}

func TestUnsubscribe(t *testing.T) {
	t.Parallel()
	b := setup(t, SinkConfig{})
	ready, welcome := b.queue(t, KindReady), b.queue(t, KindWelcome)
	for range 2 {
		if err := Unsubscribe(t.Context(), b.tx, b.reader, KindReady); err != nil {
			t.Fatal(err)
		}
	}
	if wants(t, b) {
		t.Error("the choice is still on")
	}
	for _, id := range []int64{ready, welcome} {
		if state, err := b.work(t, id); state != rivertype.JobStateCompleted || err != nil {
			t.Errorf("job %s, %v", state, err)
		}
	}
	if m := b.message(t, ready); m.State != StateFailed || m.Error != heldBack || b.sink.Count() != 1 || b.message(t, welcome).State != StateSent {
		t.Errorf("message %s: %s, %d mails", m.State, m.Error, b.sink.Count())
	}
	if err := Unsubscribe(t.Context(), b.tx, b.reader, KindReset); err == nil {
		t.Error("mail that is not optional was switched off")
	}
	if err := Unsubscribe(t.Context(), b.tx, 1<<60, KindReady); err != nil {
		t.Errorf("a deleted reader: %v", err)
	}
}

func wants(t *testing.T, b *testBundle) (wanted bool) {
	t.Helper()
	if err := b.tx.QueryRow(t.Context(), "select mail_ready from reader where id = $1", b.reader).Scan(&wanted); err != nil {
		t.Fatal(err)
	}
	return wanted
}

func TestMailbox(t *testing.T) {
	t.Parallel()
	b := setup(t, SinkConfig{})
	other := newReader(t, b.tx, "other@reader.example")
	if messages, current, last, err := List(t.Context(), b.tx, b.reader, 7); len(messages) != 0 || current != 1 || last != 1 || err != nil {
		t.Errorf("empty: %d messages, page %d of %d, %v", len(messages), current, last, err)
	}
	var newest int64
	for range PageSize + 1 {
		newest = b.queue(t, KindWelcome)
	}
	messages, current, last, err := List(t.Context(), b.tx, b.reader, -3)
	if err != nil || len(messages) != PageSize || messages[0].ID != newest || current != 1 || last != 2 {
		t.Errorf("first: %d messages, page %d of %d, %v", len(messages), current, last, err)
	}
	messages, current, _, err = List(t.Context(), b.tx, b.reader, 1<<60)
	if err != nil || len(messages) != 1 || current != 2 {
		t.Errorf("last: %d messages, page %d, %v", len(messages), current, err)
	}
	if _, err := Get(t.Context(), b.tx, other, newest); !errors.Is(err, pgx.ErrNoRows) {
		t.Errorf("another reader's message: %v", err)
	}
	if _, err := b.work(t, newest); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		reader int64
		unread int
	}{{other, 1}, {b.reader, 0}, {b.reader, 0}} {
		if err := MarkRead(t.Context(), b.tx, c.reader, newest); err != nil {
			t.Error(err)
		}
		if n, err := Unread(t.Context(), b.tx, b.reader); n != c.unread || err != nil {
			t.Errorf("%d unread after reader %d, want %d, %v", n, c.reader, c.unread, err)
		}
	}
}
