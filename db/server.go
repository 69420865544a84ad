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
	ErrReplica = errors.New("the database is a replica, which accepts no writes: DATABASE_URL must name the primary")
	// ErrReadOnly is a refused write. A session cannot always distinguish a replica from a server that was made
	// read-only.
	ErrReadOnly = errors.New("the database accepts no writes: it is a replica, or it was made read-only")

	ErrNotPostgres = errors.New("the server is not Postgres")
	ErrVersion     = errors.New("the server is too old: Backlist needs Postgres 15 to 18")
	ErrEncoding    = errors.New("the database's encoding is not UTF8: create another with: create database … encoding 'UTF8' template template0")
	ErrTemplate    = errors.New("the database is a template, which new databases copy: create a database for Backlist")
)

// Newest is the newest major version of Postgres that we test with.
const Newest = 18

// Server is what a program must know about a server before it uses it.
type Server struct {
	Product     string // "PostgreSQL"
	Major       int
	Replica     bool
	Encoding    string
	Database    string
	Template    bool
	Maintenance bool // the database named postgres, which is for administrators
}

// DescribeServer reads a server's properties. It uses only functions and settings that every server has.
func DescribeServer(ctx context.Context, conn *pgx.Conn) (s Server, err error) {
	err = conn.QueryRow(ctx, `
		select split_part(version(), ' ', 1), current_setting('server_version_num')::int / 10000, pg_is_in_recovery(),
			current_setting('server_encoding'), datname::text, datistemplate, datname = 'postgres'
		from pg_database where datname = current_database()`).
		Scan(&s.Product, &s.Major, &s.Replica, &s.Encoding, &s.Database, &s.Template, &s.Maintenance)
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	if ok && slices.Contains([]string{"42601", "42883", "42P01", "42704"}, pgErr.Code) {
		return s, fmt.Errorf("%w: %w", ErrNotPostgres, err) // a function, table or setting is missing that every Postgres has
	}
	if err != nil {
		return s, fmt.Errorf("read the server's properties: %w", err)
	}
	return s, nil
}

// Check returns why Backlist cannot use the server, or nil.
func (s Server) Check() error {
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

// CheckServer returns why Backlist cannot use the server, or nil.
func CheckServer(ctx context.Context, conn *pgx.Conn) error {
	s, err := DescribeServer(ctx, conn)
	if err != nil {
		return err
	}
	return s.Check()
}

// ExplainReadOnly wraps the error of a write that a read-only server refused, as after a failover, with ErrReadOnly. It
// returns other errors unchanged.
func ExplainReadOnly(err error) error {
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	if !ok || pgErr.Code != "25006" || errors.Is(err, ErrReadOnly) { // read_only_sql_transaction
		return err
	}
	return fmt.Errorf("%w: %w", ErrReadOnly, err)
}
