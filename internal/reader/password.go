package reader

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/store"
)

// HoldPassword keeps the password of an account unchanged until tx ends: setting a new password waits. checked is the
// account as it was when its password was verified. If the password has changed since, or the account is deleted,
// HoldPassword returns ErrSignIn, because a session that the old password started would outlive the closing of all
// sessions.
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

// ChangePassword sets the hash of a reader's password, closes every session except the one of keepToken, and
// invalidates reset links. The caller must have verified the old password like a sign-in, with its limits and
// HoldPassword.
func ChangePassword(ctx context.Context, tx pgx.Tx, readerID int64, hash, keepToken string) error {
	_, err := setPassword(ctx, tx, readerID, hash, keepToken)
	return err
}

// setPassword is the common part of ChangePassword and ResetPassword. It returns the account's folded address.
func setPassword(ctx context.Context, tx pgx.Tx, readerID int64, hash, keepToken string) (account string, err error) {
	account, err = store.New().ReaderSetPassword(ctx, tx, hash, readerID)
	if err != nil {
		return "", fmt.Errorf("set the password of reader %d: %w", readerID, err)
	}
	if _, err := EndSessions(ctx, tx, readerID, keepToken); err != nil {
		return "", fmt.Errorf("end the sessions of reader %d: %w", readerID, err)
	}
	if err := store.New().ResetUseAll(ctx, tx, readerID); err != nil {
		return "", fmt.Errorf("invalidate the resets of reader %d: %w", readerID, err)
	}
	return account, nil
}
