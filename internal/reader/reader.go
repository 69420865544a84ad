// Package reader manages accounts: passwords, sessions, rate limits of sign-in, password resets, settings and the
// deletion of an account. It also composes their letters.
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

// Role is what an account may do besides reading.
type Role string

// The roles, each including the ones before it.
const (
	RoleReader   Role = "reader"   // has its own books, ratings and mail
	RoleViewer   Role = "viewer"   // may also see the back office
	RoleOperator Role = "operator" // may also change it
)

// CanLook reports whether the role may see the back office.
func (r Role) CanLook() bool { return r == RoleViewer || r == RoleOperator }

// CanAct reports whether the role may change the back office.
func (r Role) CanAct() bool { return r == RoleOperator }

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

// MakeOperator gives the account of an address the role of operator. If there is no account, the error wraps
// pgx.ErrNoRows and tells the operator to sign up first.
func MakeOperator(ctx context.Context, tx pgx.Tx, email string) error {
	r, err := ByEmail(ctx, tx, email)
	if err != nil {
		return fmt.Errorf("no account has the address %q, sign up with it first: %w", email, err)
	}
	return store.New().ReaderSetRole(ctx, tx, string(RoleOperator), r.ID)
}
