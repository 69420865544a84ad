package reader

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/mail"
	"github.com/backlist/backlist/internal/store"
	"github.com/backlist/backlist/internal/testdb"
)

var _ = [...]mail.Compose{WelcomeLetter, ResetLetter}

// request requests a reset and returns its message.
func (b bundle) request(t *testing.T) store.Message {
	t.Helper()
	if err := RequestReset(t.Context(), b.tx, b.jobs, strings.ToUpper(b.odo.Email)); err != nil {
		t.Fatal(err)
	}
	rows, err := b.tx.Query(t.Context(), "select * from message where kind = 'reset' and reader_id = $1 order by id desc limit 1", b.odo.ID)
	if err != nil {
		t.Fatal(err)
	}
	msg, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[store.Message])
	if err != nil {
		t.Fatal(err)
	}
	return msg
}

// open composes a reset's letter as its delivery does, and returns the token of its link.
func (b bundle) open(t *testing.T, msg store.Message) string {
	t.Helper()
	letter, err := ResetLetter(t.Context(), b.tx, msg, "https://books.example")
	if err != nil {
		t.Fatal(err)
	}
	token, ok := strings.CutPrefix(letter.Action.URL, "https://books.example/reset/")
	if !ok || !letter.Secret || letter.Unsubscribe || letter.Greeting != "Dear Odo," {
		t.Errorf("letter %+v", letter)
	}
	return token
}

func TestReset(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t), t.Context()
	session, err := StartSession(ctx, b.tx, b.odo.ID)
	if err != nil {
		t.Fatal(err)
	}
	msg := b.request(t)
	if msg.ToAddress != b.odo.Email {
		t.Errorf("sent to %q, not to the account's address", msg.ToAddress)
	}
	if n := b.count(t, "select count(*) from password_reset where id = $1 and token_hash is null", *msg.SubjectID); n != 1 {
		t.Error("a token exists before the mail is sent")
	}
	first := b.open(t, msg)
	token := b.open(t, msg) // a second delivery
	if _, err := ResetCheck(ctx, b.tx, first); !errors.Is(err, ErrResetUnknown) {
		t.Errorf("the first delivery's link: %v", err)
	}
	if r, err := ResetCheck(ctx, b.tx, token); err != nil || r.ReaderID != b.odo.ID || r.Email != b.odo.Email {
		t.Fatalf("%+v, %v", r, err)
	}
	other := b.open(t, b.request(t))
	for _, bad := range []string{"", token[1:], token + "=", "\x00", "\xff"} {
		if _, err := ResetPassword(ctx, b.tx, bad, "x"); !errors.Is(err, ErrResetUnknown) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if id, err := ResetPassword(ctx, b.tx, token, "new hash"); err != nil || id != b.odo.ID {
		t.Fatal(id, err)
	}
	if r, err := ByID(ctx, b.tx, b.odo.ID); err != nil || r.PasswordHash != "new hash" {
		t.Errorf("hash %q, %v", r.PasswordHash, err)
	}
	if _, err := BySession(ctx, b.tx, session); !errors.Is(err, pgx.ErrNoRows) {
		t.Errorf("a session survived the reset: %v", err)
	}
	for _, used := range []string{token, other} {
		if _, err := ResetPassword(ctx, b.tx, used, "thief's hash"); !errors.Is(err, ErrResetUsed) {
			t.Errorf("used again: %v", err)
		}
	}
	if _, err := ResetLetter(ctx, b.tx, msg, ""); !errors.Is(err, mail.ErrGone) {
		t.Errorf("a late delivery of a used reset: %v", err)
	}
}

func TestResetExpires(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t), t.Context()
	msg := b.request(t)
	token := b.open(t, msg)
	b.exec(t, "update password_reset set expires_at = now()")
	if _, err := ResetCheck(ctx, b.tx, token); !errors.Is(err, ErrResetExpired) {
		t.Errorf("check: %v", err)
	}
	if _, err := ResetPassword(ctx, b.tx, token, "x"); !errors.Is(err, ErrResetExpired) {
		t.Errorf("reset: %v", err)
	}
	if _, err := ResetLetter(ctx, b.tx, msg, ""); !errors.Is(err, mail.ErrGone) {
		t.Errorf("letter: %v", err)
	}
	b.exec(t, "update password_reset set expires_at = now() - interval '2 days'")
	if n, err := PruneResets(ctx, b.tx); err != nil || n != 1 {
		t.Errorf("pruned %d, %v", n, err)
	}
}

func TestRequestResetLimit(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t), t.Context()
	for range 5 {
		b.request(t)
	}
	for _, email := range []string{"nobody@example.com", "", "\x00", "\xff@example.com"} {
		if err := RequestReset(ctx, b.tx, b.jobs, email); err != nil {
			t.Errorf("%q: %v", email, err)
		}
	}
	both := "select (select count(*) from password_reset) * 100 + (select count(*) from message where kind = 'reset' and created_at >= now())"
	if n := b.count(t, both); n != 303 {
		t.Errorf("resets and mails: %d, want three of each", n)
	}
	b.exec(t, "update password_reset set created_at = now() - interval '61 minutes'")
	b.request(t)
	if n := b.count(t, both); n != 404 {
		t.Errorf("resets and mails an hour later: %d, want one more of each", n)
	}
}

func TestResetPasswordAtOnce(t *testing.T) {
	t.Parallel()
	pool, ctx := testdb.New(t), t.Context()
	var id int64
	err := pool.QueryRow(ctx, `insert into reader (email, email_key, name, password_hash)
		values ('odo@example.com', 'odo@example.com', 'Odo', 'old') returning id`).Scan(&id)
	if err != nil {
		t.Fatal(err)
	}
	var link string
	err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) (err error) {
		link, err = MintReset(ctx, tx, "odo@example.com", "")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	results := make(chan error)
	for range 6 {
		go func() {
			results <- pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
				_, err := ResetPassword(ctx, tx, strings.TrimPrefix(link, "/reset/"), "new")
				return err
			})
		}()
	}
	won := 0
	for range 6 {
		if err := <-results; err == nil {
			won++
		} else if !errors.Is(err, ErrResetUsed) {
			t.Error(err)
		}
	}
	if won != 1 {
		t.Errorf("%d of six concurrent calls used the link", won)
	}
}

func TestMintResetWithoutAccount(t *testing.T) {
	t.Parallel()
	if _, err := MintReset(t.Context(), testdb.Tx(t), "nobody@example.com", ""); !errors.Is(err, pgx.ErrNoRows) {
		t.Error(err)
	}
}

func TestLettersOfDeletedReaders(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t), t.Context()
	msg := b.request(t)
	letter, err := WelcomeLetter(ctx, b.tx, msg, "https://books.example")
	if err != nil || letter.Action.URL != "https://books.example/books" || letter.Secret {
		t.Errorf("%+v, %v", letter, err)
	}
	if err := Delete(ctx, b.tx, b.odo.ID); err != nil {
		t.Fatal(err)
	}
	for _, compose := range []mail.Compose{WelcomeLetter, ResetLetter} {
		if _, err := compose(ctx, b.tx, msg, ""); !errors.Is(err, mail.ErrGone) {
			t.Error(err)
		}
	}
}

func TestClock(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 7, 1, 22, 30, 0, 0, time.UTC)
	for zone, want := range map[string]string{
		"Europe/London": "23:30 on 1 July (Europe/London)",
		"Asia/Kolkata":  "04:00 on 2 July (Asia/Kolkata)",
		"Nowhere/Land":  "22:30 on 1 July (UTC)",
	} {
		if got := clock(at, zone); got != want {
			t.Errorf("%s: %s, want %s", zone, got, want)
		}
	}
}

func TestFloor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		time.Sleep(30 * time.Millisecond) // the work, on the synthetic clock
		if err := Floor(t.Context(), start, ResetFloor); err != nil || time.Since(start) != ResetFloor {
			t.Errorf("answered after %v, %v", time.Since(start), err)
		}
		if err := Floor(t.Context(), start, time.Millisecond); err != nil || time.Since(start) != ResetFloor {
			t.Errorf("a slow response was delayed to %v, %v", time.Since(start), err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := Floor(ctx, time.Now(), time.Hour); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("kept waiting for a client that had disconnected: %v", err)
		}
	})
}
