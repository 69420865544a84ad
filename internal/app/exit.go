package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/backlist/backlist/db"
	"github.com/backlist/backlist/internal/postgres"
)

// exitError is an error with an exit code of its own. Without err, the process has said what is wrong.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// usageError returns an error for a command that was typed wrongly, with exit code 2.
func usageError(format string, args ...any) error { return &exitError{2, fmt.Errorf(format, args...)} }

// ExitCode returns the process's exit code: 0 for success, 2 for wrong use (and for something broken, from `doctor`), else 1.
func ExitCode(err error) int {
	if err == nil {
		return 0
	}
	if exit, ok := errors.AsType[*exitError](err); ok {
		return exit.code
	}
	return 1
}

// isSilent reports whether err is only an exit code.
func isSilent(err error) bool {
	exit, ok := errors.AsType[*exitError](err)
	return ok && exit.err == nil
}

// inOneSentence turns a connection's error or an interruption into one sentence for the user, and returns other errors
// unchanged.
func inOneSentence(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	if errors.Is(db.ExplainReadOnly(err), db.ErrReadOnly) {
		return db.ErrReadOnly
	}
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok && pgErr.Code == "57P01" {
		return errors.New("the database ended the connection")
	}
	if connect, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		at := net.JoinHostPort(connect.Config.Host, fmt.Sprint(connect.Config.Port))
		if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok {
			return fmt.Errorf("the database at %s refused the connection: %s", at, pgErr.Message)
		}
		if isTimeout(err) {
			return fmt.Errorf("the database at %s cannot be reached within %s", at, connect.Config.ConnectTimeout)
		}
		return fmt.Errorf("the database at %s cannot be reached: %s", at, postgres.Cause(err))
	}
	if pgconn.SafeToRetry(err) || errors.Is(err, net.ErrClosed) || isLost(err) {
		return errors.New("the connection to the database was lost")
	}
	return err
}

func isTimeout(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout() || errors.Is(err, context.DeadlineExceeded)
}

func isLost(err error) bool {
	_, ok := errors.AsType[*net.OpError](err)
	return ok || errors.Is(err, io.ErrUnexpectedEOF)
}
