package reader

import (
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/backlist/backlist/internal/store"
	"github.com/backlist/backlist/internal/testdb"
)

// TestHoldPassword: a new password cannot be set while a transaction relies on the old one.
func TestHoldPassword(t *testing.T) {
	t.Parallel()
	pool, ctx := testdb.New(t), t.Context()
	var odo store.Reader
	err := pool.QueryRow(ctx, `insert into reader (email, email_key, name, password_hash)
		values ('odo@example.com', 'odo@example.com', 'Odo', 'old') returning id, password_hash`).Scan(&odo.ID, &odo.PasswordHash)
	if err != nil {
		t.Fatal(err)
	}
	change := func() error {
		return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, "set local lock_timeout = '50ms'"); err != nil {
				return err
			}
			return ChangePassword(ctx, tx, odo.ID, "new", "")
		})
	}
	held := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if err := HoldPassword(ctx, tx, odo); err != nil {
			return err
		}
		pgErr, ok := errors.AsType[*pgconn.PgError](change())
		if !ok || pgErr.Code != "55P03" { // lock timeout
			t.Errorf("a new password was set meanwhile, or %v", pgErr)
		}
		return nil
	})
	if held != nil {
		t.Fatal(held)
	}
	if err := change(); err != nil {
		t.Fatal(err)
	}
	for _, gone := range []store.Reader{odo, {ID: odo.ID + 1, PasswordHash: "old"}} {
		err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error { return HoldPassword(ctx, tx, gone) })
		if !errors.Is(err, ErrSignIn) {
			t.Errorf("reader %d: %v, want ErrSignIn", gone.ID, err)
		}
	}
}
