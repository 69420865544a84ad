package console

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"
)

// Role is what a person may do in the console.
type Role int

// The roles. A person without a role is told that the console does not exist.
const (
	None     Role = iota
	Viewer        // may look
	Operator      // may look and act
)

// Person is the person who makes a request.
type Person struct {
	ID       string    // identifies the account, for limits and saved views; empty for a visitor
	Name     string    // of the account as jobs.audit names it: the mail address
	Role     Role      // what the person may do
	SignedIn time.Time // when the password was last given
}

// Identity says who makes a request. The site finds it from readers' sessions, the command console from its token.
type Identity interface {
	// Person returns the person of the request's session, or the zero Person for a visitor.
	Person(ctx context.Context, r *http.Request) (Person, error)
	// Confirm returns the person as role and session are in this transaction. It locks both until the transaction ends, so
	// that an act and the removal of the right to it exclude each other.
	Confirm(ctx context.Context, tx pgx.Tx, r *http.Request) (Person, error)
	// SignIn returns the address where a visitor signs in, and from there comes back to next.
	SignIn(next string) string
	// Renew checks the password, and then replaces the session's token and sets the time of sign-in. A wrong password is
	// ErrPassword. Attempts are limited as at sign-in.
	Renew(w http.ResponseWriter, r *http.Request, password string) error
}

// ErrPassword is a wrong password.
var ErrPassword = errors.New("the password is wrong")
