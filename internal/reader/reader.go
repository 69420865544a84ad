// Package reader keeps the accounts: who people are and how they prove it. It holds passwords, sessions, limits on trying,
// password resets, settings and the end of an account, and it composes the letters that belong to them.
//
// Its functions take the caller's transaction and never hash a password inside one: the caller hashes first.
package reader

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/form"
	"github.com/backlist/backlist/internal/store"
)

// Role is what an account may do beyond reading.
type Role string

// The roles, each including the ones before it.
const (
	RoleReader   Role = "reader"   // has books, ratings and mail of its own
	RoleViewer   Role = "viewer"   // may also look at the back office
	RoleOperator Role = "operator" // may also act there
)

// CanLook reports whether the role may see the back office.
func (r Role) CanLook() bool { return r == RoleViewer || r == RoleOperator }

// CanAct reports whether the role may change anything in the back office.
func (r Role) CanAct() bool { return r == RoleOperator }

// ByEmail returns the account of an address, whatever its case. Where there is none the error is pgx.ErrNoRows; that is
// so too for text that no database can hold.
func ByEmail(ctx context.Context, db store.DBTX, email string) (store.Reader, error) {
	key := EmailKey(email)
	if !form.Clean(key) {
		return store.Reader{}, pgx.ErrNoRows
	}
	r, err := store.New().ReaderByEmailKey(ctx, db, key)
	if err != nil {
		return store.Reader{}, fmt.Errorf("find the reader of an address: %w", err)
	}
	return r, nil
}

// ByID returns an account; where there is none the error is pgx.ErrNoRows.
func ByID(ctx context.Context, db store.DBTX, id int64) (store.Reader, error) {
	r, err := store.New().ReaderByID(ctx, db, id)
	if err != nil {
		return store.Reader{}, fmt.Errorf("find reader %d: %w", id, err)
	}
	return r, nil
}

// MakeOperator gives the account of an address the operator's role. Where there is none the error, which says so, is
// pgx.ErrNoRows.
func MakeOperator(ctx context.Context, tx pgx.Tx, email string) error {
	r, err := ByEmail(ctx, tx, email)
	if err != nil {
		return fmt.Errorf("no account has the address %q, sign up with it first: %w", email, err)
	}
	return store.New().ReaderSetRole(ctx, tx, string(RoleOperator), r.ID)
}
