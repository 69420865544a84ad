package store

import (
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// KnownBook replaces the error of a change on a book that does not exist by pgx.ErrNoRows. Such a change is sent together with its
// commit, so its statement fails, by a division by zero, instead of returning that it found nothing.
func KnownBook(err error) error {
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok && pgErr.Code == "22012" { // division_by_zero
		return pgx.ErrNoRows
	}
	return err
}
