package reader

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

func TestSession(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t), t.Context()
	token, err := StartSession(ctx, b.tx, b.odo.ID)
	if err != nil {
		t.Fatal(err)
	}
	s, err := BySession(ctx, b.tx, token)
	want := Session{ReaderID: b.odo.ID, Name: "Odo", Email: "Odo@Example.com", TimeZone: "UTC", SignedIn: s.SignedIn}
	if err != nil || s != want {
		t.Fatalf("%+v, %v", s, err)
	}
	if n := b.count(t, "select count(*) from session where position($1::bytea in token_hash) > 0", []byte(token)); n != 0 || len(token) != 43 {
		t.Errorf("the token %q is stored, or too short", token)
	}
	flipped := "A" + token[1:]
	if token[0] == 'A' {
		flipped = "B" + token[1:]
	}
	for _, bad := range []string{"", flipped, token[:42], token + "A", token + "\x00", "\xff", strings.Repeat(token, 1000)} {
		if _, err := BySession(ctx, b.tx, bad); !errors.Is(err, pgx.ErrNoRows) {
			t.Errorf("%.50q: %v", bad, err)
		}
	}
	if err := EndSession(ctx, b.tx, token); err != nil {
		t.Fatal(err)
	}
	if _, err := BySession(ctx, b.tx, token); !errors.Is(err, pgx.ErrNoRows) {
		t.Errorf("after EndSession: %v", err)
	}
}

// TestRenewSession: the new session begins now, the old one has ended, and a session is renewed once.
func TestRenewSession(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t), t.Context()
	token, err := StartSession(ctx, b.tx, b.odo.ID)
	if err != nil {
		t.Fatal(err)
	}
	b.exec(t, "update session set created_at = now() - interval '13 hours'")
	old, err := BySession(ctx, b.tx, token)
	if err != nil {
		t.Fatal(err)
	}
	renewed, err := RenewSession(ctx, b.tx, b.odo.ID, token)
	if err != nil || renewed == token {
		t.Fatalf("renewed as %q, %v", renewed, err)
	}
	if s, err := BySession(ctx, b.tx, renewed); err != nil || s.SignedIn.Sub(old.SignedIn) != 13*time.Hour {
		t.Errorf("signed in at %s, before at %s, %v", s.SignedIn, old.SignedIn, err)
	}
	for _, gone := range []string{token, ""} {
		if _, err := BySession(ctx, b.tx, gone); !errors.Is(err, pgx.ErrNoRows) {
			t.Errorf("%q is still a session: %v", gone, err)
		}
		if _, err := RenewSession(ctx, b.tx, b.odo.ID, gone); !errors.Is(err, pgx.ErrNoRows) {
			t.Errorf("%q was renewed: %v", gone, err)
		}
	}
}

func TestSessionSlides(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t), t.Context()
	token, err := StartSession(ctx, b.tx, b.odo.ID)
	if err != nil {
		t.Fatal(err)
	}
	full := "select count(*) from session where seen_at = now() and expires_at = now() + interval '60 days'"
	b.exec(t, "update session set seen_at = now() - interval '59 minutes', expires_at = now() + interval '10 days'")
	if s, err := BySession(ctx, b.tx, token); err != nil || s.Stale {
		t.Errorf("stale within the hour, or %v", err)
	}
	if err := Touch(ctx, b.tx, token); err != nil || b.count(t, full) != 0 {
		t.Errorf("written within the hour, or %v", err)
	}
	b.exec(t, "update session set seen_at = now() - interval '61 minutes'")
	if s, err := BySession(ctx, b.tx, token); err != nil || !s.Stale {
		t.Errorf("not stale after the hour, or %v", err)
	}
	if err := Touch(ctx, b.tx, token); err != nil || b.count(t, full) != 1 {
		t.Errorf("not extended after the hour, or %v", err)
	}
	b.exec(t, "update session set seen_at = now() - interval '60 days', expires_at = now()")
	if _, err := BySession(ctx, b.tx, token); !errors.Is(err, pgx.ErrNoRows) {
		t.Errorf("valid after it expired: %v", err)
	}
	if err := Touch(ctx, b.tx, token); err != nil || b.count(t, full) != 0 {
		t.Errorf("an expired session was extended, or %v", err)
	}
	if n, err := PruneSessions(ctx, b.tx); err != nil || n < 1 || b.count(t, "select count(*) from session where reader_id = $1", b.odo.ID) != 0 {
		t.Errorf("pruned %d, %v", n, err)
	}
}

func TestChangePassword(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t), t.Context()
	var tokens [3]string
	for i := range tokens {
		var err error
		if tokens[i], err = StartSession(ctx, b.tx, b.odo.ID); err != nil {
			t.Fatal(err)
		}
	}
	link, err := MintReset(ctx, b.tx, b.odo.Email, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := ChangePassword(ctx, b.tx, b.odo.ID, "another hash", tokens[1]); err != nil {
		t.Fatal(err)
	}
	for i, token := range tokens {
		if _, err := BySession(ctx, b.tx, token); (err == nil) != (i == 1) {
			t.Errorf("session %d: %v", i, err)
		}
	}
	if r, err := ByID(ctx, b.tx, b.odo.ID); err != nil || r.PasswordHash != "another hash" {
		t.Errorf("hash %q, %v", r.PasswordHash, err)
	}
	if _, err := ResetCheck(ctx, b.tx, strings.TrimPrefix(link, "/reset/")); !errors.Is(err, ErrResetUsed) {
		t.Errorf("an older reset link works: %v", err)
	}
	if n, err := EndSessions(ctx, b.tx, b.odo.ID, ""); n != 1 || err != nil {
		t.Errorf("ended %d, %v", n, err)
	}
}
