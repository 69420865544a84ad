// Package surface reads and acts through schema jobs, for the shell and for pages. It finds the jobs that match a filter,
// calls the functions that change them, and returns the rows of views. It names no table, so pages, the shell and psql
// always agree.
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

// Refusal is an error of the database as a sentence for people. The functions of schema jobs raise such sentences.
type Refusal struct {
	Sentence string
	BadValue bool // the caller's value was refused, as opposed to there being nothing to do
	Cause    error
}

func (r *Refusal) Error() string { return r.Sentence }
func (r *Refusal) Unwrap() error { return r.Cause }

// IsBadValue reports whether the database refused the caller's value.
func IsBadValue(err error) bool {
	r, ok := errors.AsType[*Refusal](err)
	return ok && r.BadValue
}

// refused makes a Refusal of an error of Postgres. given is whether the statement had values from the caller.
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

// Canceled reports whether the statement was ended by a limit on its time, or by its caller.
func (r *Refusal) Canceled() bool {
	pgErr, ok := errors.AsType[*pgconn.PgError](r.Cause)
	return ok && pgErr.Code == "57014"
}
