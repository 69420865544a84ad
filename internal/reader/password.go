package reader

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/store"
)

// ChangePassword sets a reader's password to what was hashed, closes every session but the one that keepToken opens, and
// makes reset links void. The caller has checked the old password, as a sign-in: with its limits.
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
