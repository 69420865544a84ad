// Package jobctl is schema jobs for people at a shell: it asks the views, calls the functions, and puts their answers into
// tables or JSON. It names no table, so that a shell and psql can never disagree.
package jobctl

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

// ErrNoSurface says that the database has no schema jobs, or an older one.
var ErrNoSurface = errors.New("the database has no schema jobs, or that of an older release; run: backlist migrate")

// explained turns what Postgres says into a sentence: the functions of schema jobs write theirs for people. given says that
// the statement had values from outside.
func explained(err error, given bool) error {
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return err
	}
	switch pgErr.Code {
	case "3F000", "42P01", "42883", "42703": // no such schema, table, function or column
		return fmt.Errorf("%w (%s)", ErrNoSurface, pgErr.Message)
	}
	r := &refusal{says: oneLine(pgErr.Message), cause: err}
	// Data exceptions and exceeded limits; 22023 is that of the functions of schema jobs.
	if r.badValue = given && (strings.HasPrefix(pgErr.Code, "22") || strings.HasPrefix(pgErr.Code, "54")); r.badValue && pgErr.Detail != "" {
		r.says += ": " + oneLine(pgErr.Detail)
	}
	return r
}

// IsBadValue says that the database refused a value that it was given, as opposed to finding nothing to do.
func IsBadValue(err error) bool {
	r, ok := errors.AsType[*refusal](err)
	return ok && r.badValue
}

// refusal is a sentence of the database, and its cause.
type refusal struct {
	says     string
	cause    error
	badValue bool
}

func (r *refusal) Error() string { return r.says }
func (r *refusal) Unwrap() error { return r.cause }
