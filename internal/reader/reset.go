package reader

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/mail"
	"github.com/backlist/backlist/internal/store"
	"github.com/backlist/backlist/internal/work"
)

const (
	// resetsAnHour limits the reset mails of an account per hour. An attacker who uses them up has sent the reader that
	// many working links.
	resetsAnHour = 3
	// ResetLife is how long a reset link works after the request (also in the queries).
	ResetLife = time.Hour
	// ResetFloor is the minimal duration of a request for a reset, with or without an account. The work itself takes a few
	// milliseconds.
	ResetFloor = 100 * time.Millisecond
)

// ResetError is why a reset link does not work, as a sentence for the user who followed it.
type ResetError string

// Error returns the sentence.
func (e ResetError) Error() string { return string(e) }

// The reasons. A link is also unknown if a later delivery of its mail replaced it.
const (
	ErrResetUnknown ResetError = "This link is not known here: it may be incomplete, or a newer mail may have replaced it."
	ErrResetUsed    ResetError = "This link has been used: each works once."
	ErrResetExpired ResetError = "This link is older than an hour and no longer works."
)

// RequestReset queues a mail with a reset link for the account of an address. It does nothing, without an error, if
// there is no account or if the account has had resetsAnHour within the hour. The link is minted when the mail is sent.
// The caller commits and then calls Floor in either case.
func RequestReset(ctx context.Context, tx pgx.Tx, jobs *work.Client, email string) error {
	r, err := ByEmail(ctx, tx, email)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := store.New().ResetLock(ctx, tx, r.ID); err != nil {
		return fmt.Errorf("lock reader %d for a reset: %w", r.ID, err)
	}
	id, err := store.New().ResetInsert(ctx, tx, r.ID, resetsAnHour)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("store a reset of reader %d: %w", r.ID, err)
	}
	// The mail is sent to the account's address, never to the address as typed.
	_, err = mail.Queue(ctx, tx, jobs, mail.Draft{
		ReaderID: r.ID, Kind: mail.KindReset, Key: fmt.Sprintf("reset:%d:%d", r.ID, id), SubjectID: &id, To: r.Email,
	})
	if err != nil {
		return fmt.Errorf("queue the reset mail: %w", err)
	}
	return nil
}

// Floor waits until least has passed since start, so that the duration of a response does not reveal what was done. If
// ctx ends before, it returns ctx's error.
func Floor(ctx context.Context, start time.Time, least time.Duration) error {
	timer := time.NewTimer(time.Until(start.Add(least)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// MintReset returns a new reset link, which an operator can hand over where the site sends no mail. base is the site's
// URL without a final slash. If the address has no account, the error wraps pgx.ErrNoRows.
func MintReset(ctx context.Context, tx pgx.Tx, email, base string) (url string, err error) {
	r, err := ByEmail(ctx, tx, email)
	if err != nil {
		return "", fmt.Errorf("no account has the address %q: %w", email, err)
	}
	token, hash := newToken()
	if err := store.New().ResetInsertMinted(ctx, tx, r.ID, hash); err != nil {
		return "", fmt.Errorf("store a reset of reader %d: %w", r.ID, err)
	}
	return resetURL(base, token), nil
}

func resetURL(base, token string) string { return base + "/reset/" + token }

// Reset is a valid reset link.
type Reset struct {
	ReaderID  int64
	Email     string // of the account; the new password must be different
	ExpiresAt time.Time
}

// ResetCheck returns the reset of a link's token, without using it, or a ResetError if the link does not work.
func ResetCheck(ctx context.Context, db store.DBTX, token string) (Reset, error) {
	row, err := store.New().ResetByToken(ctx, db, hashToken(token))
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return Reset{}, ErrResetUnknown
	case err != nil:
		return Reset{}, fmt.Errorf("find a reset: %w", err)
	case row.Used:
		return Reset{}, ErrResetUsed
	case row.Expired:
		return Reset{}, ErrResetExpired
	}
	return Reset{ReaderID: row.ReaderID, Email: row.Email, ExpiresAt: row.ExpiresAt}, nil
}

// ResetPassword uses a link: it sets the password's hash, closes all sessions, invalidates the account's other links,
// and refills its sign-in buckets. It returns the account's id. Of two concurrent calls one succeeds and the other
// returns ErrResetUsed. The other errors are those of ResetCheck.
func ResetPassword(ctx context.Context, tx pgx.Tx, token, hash string) (readerID int64, err error) {
	readerID, err = store.New().ResetUse(ctx, tx, hashToken(token))
	if errors.Is(err, pgx.ErrNoRows) {
		if _, err = ResetCheck(ctx, tx, token); err == nil {
			err = ErrResetUsed // not reached: a link that passes ResetCheck can be used
		}
		return 0, err
	}
	if err != nil {
		return 0, fmt.Errorf("use a reset: %w", err)
	}
	account, err := setPassword(ctx, tx, readerID, hash, "")
	if err != nil {
		return 0, err
	}
	if err := store.New().RateLimitForget(ctx, tx, []string{signInAccount.key(account)}); err != nil {
		return 0, fmt.Errorf("refill sign-in limits: %w", err)
	}
	return readerID, nil
}

// PruneResets deletes the resets that expired at least a day ago, and returns their number.
func PruneResets(ctx context.Context, db store.DBTX) (int64, error) {
	return store.New().ResetPrune(ctx, db)
}
