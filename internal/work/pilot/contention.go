package pilot

import (
	"errors"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// IsContended reports whether a statement failed only because of concurrent transactions, and may succeed later: it waited too
// long for a lock, or Postgres ended it because of a deadlock or a serialization failure.
func IsContended(err error) bool {
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	return ok && slices.Contains([]string{"55P03", "40P01", "40001"}, pgErr.Code)
}

// IsRefused reports whether the server refuses the data, so that a retry would fail too. The classes are those of bad values,
// violated constraints and exceeded limits.
func IsRefused(err error) bool {
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	return ok && slices.ContainsFunc([]string{"22", "23", "54"}, func(class string) bool { return strings.HasPrefix(pgErr.Code, class) })
}
