package reader

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/store"
)

// ErrSignIn says that the address has no account or that the password is not its own, and never which of the two.
var ErrSignIn = errors.New("the e-mail address or the password is not right")

// SignIn returns the account of an address if the password is its own, else ErrSignIn. It makes one query and one hash
// in every case, so that neither its answer nor its time says whether the address has an account. It wants the pool, not
// a transaction: the hash would keep that open. Ask SignInAllowed before;
// after, in the transaction that opens what it is for, HoldPassword and SignedIn.
func SignIn(ctx context.Context, db store.DBTX, h *Hasher, email, password string) (store.Reader, error) {
	if len(password) > 4*maxPassword {
		password = "" // nobody's: passwords are longer than nothing and shorter than this
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
