package reader

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/store"
)

// ErrSignIn means that the address has no account or that the password is wrong. It must not reveal which.
var ErrSignIn = errors.New("the e-mail address or the password is not right")

// SignIn returns the account of an address if the password is correct, and ErrSignIn if not. It makes one query and one
// hash in any case, so that neither its result nor its duration reveals whether the address has an account. db must be
// the pool: hashing would keep a transaction open. Call SignInAllowed before; afterwards call HoldPassword and SignedIn
// in the transaction that relies on the password.
func SignIn(ctx context.Context, db store.DBTX, h *Hasher, email, password string) (store.Reader, error) {
	if len(password) > 4*maxPassword {
		password = "" // never valid either, and quick to hash
	}
	r, err := ByEmail(ctx, db, email)
	if errors.Is(err, pgx.ErrNoRows) {
		if err := h.VerifyNone(ctx, password); err != nil {
			return store.Reader{}, err
		}
		return store.Reader{}, ErrSignIn
	}
	if err != nil {
		return store.Reader{}, err
	}
	ok, err := h.Verify(ctx, r.PasswordHash, password)
	if err != nil {
		return store.Reader{}, err
	}
	if !ok {
		return store.Reader{}, ErrSignIn
	}
	return r, nil
}
