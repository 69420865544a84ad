package reader

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/mail"
	"github.com/backlist/backlist/internal/store"
)

// WelcomeLetter composes mail.KindWelcome; it is a mail.Compose.
func WelcomeLetter(ctx context.Context, tx pgx.Tx, msg store.Message, base string) (mail.Letter, error) {
	r, err := ByID(ctx, tx, msg.ReaderID)
	if errors.Is(err, pgx.ErrNoRows) {
		return mail.Letter{}, mail.ErrGone
	}
	if err != nil {
		return mail.Letter{}, err
	}
	after := "We will write when your recommendations are ready, at most once a day. You can switch that off in your settings."
	if !r.MailReady {
		after = "As you asked, we will not write about new recommendations: you will find them on their page."
	}
	return mail.Letter{
		Subject:  "Welcome to Backlist",
		Greeting: greeting(r.Name),
		Paragraphs: []string{
			"Your account is open. Rate a few books that you know, the ones you loved and the ones you did not, and Backlist " +
				"finds others that readers like you have enjoyed.",
			"Five ratings are a good start. Each further rating makes the recommendations more your own.",
		},
		Action: &mail.Link{Text: "Find books to rate", URL: base + "/books"},
		After:  []string{after},
	}, nil
}

// ResetLetter composes mail.KindReset; it is a mail.Compose. It mints the link's token and stores only its hash, so a
// second delivery has a new link and invalidates the first. It returns mail.ErrGone if the reset is used, expired or
// deleted.
func ResetLetter(ctx context.Context, tx pgx.Tx, msg store.Message, base string) (mail.Letter, error) {
	if msg.SubjectID == nil {
		return mail.Letter{}, fmt.Errorf("message %d has no reset", msg.ID)
	}
	token, hash := newToken()
	row, err := store.New().ResetMint(ctx, tx, store.ResetMintParams{
		TokenHash: hash, ID: *msg.SubjectID, ReaderID: msg.ReaderID,
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return mail.Letter{}, mail.ErrGone
	}
	if err != nil {
		return mail.Letter{}, fmt.Errorf("mint a reset link: %w", err)
	}
	return mail.Letter{
		Subject:    "Choose a new password",
		Greeting:   greeting(row.Name),
		Paragraphs: []string{"We received a request for a new password for your Backlist account."},
		Action:     &mail.Link{Text: "Choose a new password", URL: resetURL(base, token)},
		After: []string{
			"The link works once, until " + clock(row.ExpiresAt, row.TimeZone) + ".",
			"If you did not ask for it, ignore this mail: your password stays the same.",
		},
		Secret: true,
	}, nil
}

func greeting(name string) string { return "Dear " + name + "," }

// clock formats a time in a reader's time zone, with the zone's name.
func clock(t time.Time, zone string) string {
	loc, err := time.LoadLocation(zone)
	if err != nil {
		loc = time.UTC
	}
	return t.In(loc).Format("15:04 on 2 January") + " (" + loc.String() + ")"
}
