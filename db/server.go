package db

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// The reasons why a server cannot be used.
var (
	ErrReplica = errors.New("the database is a replica, which takes no writes: DATABASE_URL must name the primary")
	// ErrReadOnly is a refused write. A session cannot always tell a replica from a server that was made read-only.
	ErrReadOnly = errors.New("the database takes no writes: it is a replica, or it has been made read-only")

	ErrNotPostgres = errors.New("the server is not Postgres")
	ErrVersion     = errors.New("the server is too old: Backlist needs Postgres 15 to 18")
	ErrEncoding    = errors.New("the database's encoding is not UTF8: create another with: create database … encoding 'UTF8' template template0")
	ErrTemplate    = errors.New("the database is a template, of which every new database would be a copy: create one for Backlist")
)

// Newest is the newest major version of Postgres that we are tested on.
const Newest = 18

// Server is what a program must know of a server before it changes or judges anything there.
type Server struct {
	Product     string // "PostgreSQL"
	Major       int
	Replica     bool
	Encoding    string
	Database    string
	Template    bool
	Maintenance bool // the database that every server has, for administrators
}

// LookAt asks a server what it is. It reads nothing but what every server has.
func LookAt(ctx context.Context, conn *pgx.Conn) (s Server, err error) {
	err = conn.QueryRow(ctx, `
		select split_part(version(), ' ', 1), current_setting('server_version_num')::int / 10000, pg_is_in_recovery(),
			current_setting('server_encoding'), datname::text, datistemplate, datname = 'postgres'
		from pg_database where datname = current_database()`).
		Scan(&s.Product, &s.Major, &s.Replica, &s.Encoding, &s.Database, &s.Template, &s.Maintenance)
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	if ok && slices.Contains([]string{"42601", "42883", "42P01", "42704"}, pgErr.Code) {
		return s, fmt.Errorf("%w: %w", ErrNotPostgres, err) // it lacks a function, table or setting that every Postgres has
	}
	if err != nil {
		return s, fmt.Errorf("ask the server what it is: %w", err)
	}
	return s, nil
}

// Unfit says why the server does not do; nil if it does.
func (s Server) Unfit() error {
	switch {
	case s.Product != "PostgreSQL":
		return ErrNotPostgres
	case s.Major < 15:
		return ErrVersion
	case s.Replica:
		return ErrReplica
	case s.Encoding != "UTF8":
		return ErrEncoding
	case s.Template:
		return ErrTemplate
	}
	return nil
}

// CheckServer returns why the server does not do; nil if it does.
func CheckServer(ctx context.Context, conn *pgx.Conn) error {
	s, err := LookAt(ctx, conn)
	if err != nil {
		return err
	}
	return s.Unfit()
}

// ExplainReadOnly puts ErrReadOnly before a write's error where the server takes no writes, as after a failover.
// Other errors stay as they are.
func ExplainReadOnly(err error) error {
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	if !ok || pgErr.Code != "25006" || errors.Is(err, ErrReadOnly) { // read_only_sql_transaction
		return err
	}
	return fmt.Errorf("%w: %w", ErrReadOnly, err)
}
