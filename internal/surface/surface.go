// Package surface reads schema jobs and acts through it, for the shell and for pages alike: it finds the jobs that a filter
// matches, calls the functions that change them, and returns what a view holds. It names no table, so that a page, the shell
// and psql always agree.
package surface

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// DB is a connection or a pool.
type DB interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	Begin(ctx context.Context) (pgx.Tx, error)
}

// ErrMissing means that the database has no schema jobs, or that of an older release.
var ErrMissing = errors.New("the database has no schema jobs, or that of an older release; run: backlist migrate")

// Refusal is an error of the database as a sentence for the person who asked. The functions of schema jobs word theirs for
// people.
type Refusal struct {
	Sentence string
	BadValue bool // a value that was passed in was refused, as opposed to nothing being found to do
	Cause    error
}

func (r *Refusal) Error() string { return r.Sentence }
func (r *Refusal) Unwrap() error { return r.Cause }

// IsBadValue reports whether the database refused a value that was passed to it.
func IsBadValue(err error) bool {
	r, ok := errors.AsType[*Refusal](err)
	return ok && r.BadValue
}

// refused makes a Refusal of an error of Postgres; given says that the statement had values from outside.
func refused(err error, given bool) error {
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return err
	}
	switch pgErr.Code {
	case "3F000", "42P01", "42883", "42703": // no such schema, table, function or column
		return fmt.Errorf("%w (%s)", ErrMissing, pgErr.Message)
	}
	r := &Refusal{Sentence: oneLine(pgErr.Message), Cause: err}
	// Data exceptions and exceeded limits; the functions of schema jobs raise 22023.
	r.BadValue = given && (strings.HasPrefix(pgErr.Code, "22") || strings.HasPrefix(pgErr.Code, "54"))
	if r.BadValue && pgErr.Detail != "" {
		r.Sentence += ": " + oneLine(pgErr.Detail)
	}
	return r
}
