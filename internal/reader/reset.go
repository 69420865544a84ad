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
	// resetsAnHour is how many reset mails an account can be made to get in an hour. Whoever uses them up to annoy its
	// reader has sent that many working links.
	resetsAnHour = 3
	// ResetLife is the life of a reset link from when it was asked for (also in the queries).
	ResetLife = time.Hour
	// ResetFloor is the least time that a request for a reset takes, well above what the slower of its two ways needs.
	ResetFloor = 250 * time.Millisecond
)

// ResetError is why a reset link does not work, as a sentence for whoever followed it.
type ResetError string

// Error returns the sentence.
func (e ResetError) Error() string { return string(e) }

// The reasons. A link that a later delivery of its mail has replaced is unknown.
const (
	ErrResetUnknown ResetError = "This link is not known here: it may be incomplete, or a newer mail may have replaced it."
	ErrResetUsed    ResetError = "This link has been used: each works once."
	ErrResetExpired ResetError = "This link is older than an hour and no longer works."
)

// RequestReset queues a mail with a reset link for the account of an address. It does nothing, and says nothing, where
// there is no account or where it has had three within the hour. The link is minted when the mail is sent. The caller
// commits and then waits for Floor, with both the same whether anything was queued or not.
func RequestReset(ctx context.Context, tx pgx.Tx, jobs *work.Client, email string) error {
	r, err := ByEmail(ctx, tx, email)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := store.New().ResetLock(ctx, tx, r.ID); err != nil {
		return fmt.Errorf("take turns at resets: %w", err)
	}
	id, err := store.New().ResetInsert(ctx, tx, r.ID, resetsAnHour)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("store a reset of reader %d: %w", r.ID, err)
	}
	// The mail goes to the address of the account, never to what was typed here.
	_, err = mail.Queue(ctx, tx, jobs, mail.Draft{
		ReaderID: r.ID, Kind: mail.KindReset, Key: fmt.Sprintf("reset:%d:%d", r.ID, id), SubjectID: &id, To: r.Email,
	})
	if err != nil {
		return fmt.Errorf("queue the reset mail: %w", err)
	}
	return nil
}

// Floor waits until least has passed since start, so that the time of an answer does not tell what was done for it. It
// returns early, with its error, when ctx ends.
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

// MintReset makes a reset link at once, for an operator to hand over where no mail is sent. base is the site's URL
// without final slash. Where the address has no account the error, which says so, is pgx.ErrNoRows.
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

// Reset is a link that works.
type Reset struct {
	ReaderID  int64
	Email     string // of the account: what the new password must not be
	ExpiresAt time.Time
}

// ResetCheck says what a link's token is good for, without using it up. A token that is good for nothing gives a
// ResetError.
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

// ResetPassword uses up a link: it sets the password's hash, closes all sessions, makes every other link of the account
// void, and gives the account's sign-in tokens back. It returns whose account it was. Of two at once one wins; the other
// gets ErrResetUsed. The other errors are ResetCheck's.
func ResetPassword(ctx context.Context, tx pgx.Tx, token, hash string) (readerID int64, err error) {
	readerID, err = store.New().ResetUse(ctx, tx, hashToken(token))
	if errors.Is(err, pgx.ErrNoRows) {
		if _, err = ResetCheck(ctx, tx, token); err == nil {
			err = ErrResetUsed // not reached: what can be checked can be used
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
		return 0, fmt.Errorf("give back sign-in tokens: %w", err)
	}
	return readerID, nil
}

// PruneResets deletes the resets that ended a day ago or longer, and returns how many.
func PruneResets(ctx context.Context, db store.DBTX) (int64, error) {
	return store.New().ResetPrune(ctx, db)
}
