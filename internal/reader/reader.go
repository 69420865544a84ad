// Package reader manages accounts: passwords, sessions, rate limits of sign-in, password resets, settings and the
// deletion of an account, and roles in the console. It also composes their letters.
//
// Its functions take the caller's transaction and never hash a password in it: the caller hashes first.
package reader

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/form"
	"github.com/backlist/backlist/internal/store"
)

// ByEmail returns the account of an address, regardless of case. It returns pgx.ErrNoRows if there is none, also for
// text that Postgres cannot store.
func ByEmail(ctx context.Context, db store.DBTX, email string) (store.Reader, error) {
	key := EmailKey(email)
	if !form.Clean(key) {
		return store.Reader{}, pgx.ErrNoRows
	}
	r, err := store.New().ReaderByEmailKey(ctx, db, key)
	if err != nil {
		return store.Reader{}, fmt.Errorf("find a reader by address: %w", err)
	}
	return r, nil
}

// ByID returns an account, or pgx.ErrNoRows if there is none.
func ByID(ctx context.Context, db store.DBTX, id int64) (store.Reader, error) {
	r, err := store.New().ReaderByID(ctx, db, id)
	if err != nil {
		return store.Reader{}, fmt.Errorf("find reader %d: %w", id, err)
	}
	return r, nil
}
