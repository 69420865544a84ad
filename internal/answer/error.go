package answer

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Error is an error with the content of its page: the status, a sentence for the user and what to do. Err is the cause,
// which is logged and never shown. The error page has defaults for texts that are empty.
type Error struct {
	Status     int
	Headline   string
	Sentence   string
	Advice     string
	RetryAfter int // seconds; for 429 and 503, where 0 means 2
	Err        error
}

func (e *Error) Error() string {
	text := strconv.Itoa(e.Status) + " " + http.StatusText(e.Status)
	if e.Sentence != "" {
		text += ": " + e.Sentence
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// clientGone is the status that is logged where the client left before the answer.
const clientGone = 499

// classify maps any error to an Error for the user.
func classify(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return &Error{Status: http.StatusRequestEntityTooLarge, Err: err}
	}
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return &Error{Status: http.StatusNotFound, Err: err}
	case errors.Is(err, context.Canceled):
		return &Error{Status: clientGone, Err: err}
	case DatabaseAway(err):
		return &Error{Status: http.StatusServiceUnavailable, Err: err}
	}
	return &Error{Status: http.StatusInternalServerError, Err: err}
}

// DatabaseAway reports whether Postgres is stopped, starting, full or failing over, or did not answer in time. All of
// these are temporary.
func DatabaseAway(err error) bool {
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch pgErr.Code {
		case "57P01", "57P02", "57P03", // being shut down, crashed, starting up
			"53300",                   // too many connections
			"25006",                   // read only: a follower that is being promoted
			"08000", "08003", "08006": // the connection broke
			return true
		}
		return false
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	// A connection that breaks under a query gives the network's own error, or pgconn's about a closed connection.
	_, isNet := errors.AsType[net.Error](err)
	return isNet || errors.Is(err, net.ErrClosed) || pgconn.SafeToRetry(err) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}
