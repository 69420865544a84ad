package reader

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/store"
)

// HoldPassword has checked, the account as it was when its password was verified, be the same until tx ends: who sets a
// new password waits. If a new one was set meanwhile, or the account is gone, the error is ErrSignIn: what the old one
// proved is over, and a session or a password that came of it would outlive the closing of all sessions.
func HoldPassword(ctx context.Context, tx pgx.Tx, checked store.Reader) error {
	hash, err := store.New().ReaderHoldPassword(ctx, tx, checked.ID)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && hash != checked.PasswordHash {
		return ErrSignIn
	}
	if err != nil {
		return fmt.Errorf("hold the password of reader %d: %w", checked.ID, err)
	}
	return nil
}

// ChangePassword sets a reader's password to what was hashed, closes every session but the one that keepToken opens, and
// makes reset links void. The caller has checked the old password, as a sign-in: with its limits and HoldPassword.
func ChangePassword(ctx context.Context, tx pgx.Tx, readerID int64, hash, keepToken string) error {
	_, err := setPassword(ctx, tx, readerID, hash, keepToken)
	return err
}

// setPassword is what both ways to a new password end in. It returns the account's folded address.
func setPassword(ctx context.Context, tx pgx.Tx, readerID int64, hash, keepToken string) (account string, err error) {
	account, err = store.New().ReaderSetPassword(ctx, tx, hash, readerID)
	if err != nil {
		return "", fmt.Errorf("set the password of reader %d: %w", readerID, err)
	}
	if _, err := EndSessions(ctx, tx, readerID, keepToken); err != nil {
		return "", fmt.Errorf("end the sessions of reader %d: %w", readerID, err)
	}
	if err := store.New().ResetUseAll(ctx, tx, readerID); err != nil {
		return "", fmt.Errorf("void the resets of reader %d: %w", readerID, err)
	}
	return account, nil
}
