package web

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/answer"
	"github.com/backlist/backlist/internal/console"
	"github.com/backlist/backlist/internal/reader"
)

// Operators returns the console's view of the site's accounts.
func (s *Server) Operators() console.Identity { return operators{s} }

// operators finds the persons who use the console in readers' sessions.
type operators struct{ site *Server }

// Person asks the database, in one query, at each call: an open page's stream calls it again to learn that its right has ended.
func (o operators) Person(ctx context.Context, r *http.Request) (console.Person, error) {
	token := o.site.token(r)
	if token == "" {
		return console.Person{}, nil
	}
	return person(reader.BySession(ctx, o.site.DB, token))
}

// Confirm locks the session and the role.
func (o operators) Confirm(ctx context.Context, tx pgx.Tx, r *http.Request) (console.Person, error) {
	return person(reader.HoldRole(ctx, tx, o.site.token(r)))
}

// person returns the person of a session, or the zero Person if the session was not found.
func person(session reader.Session, err error) (console.Person, error) {
	if errors.Is(err, pgx.ErrNoRows) {
		return console.Person{}, nil
	}
	if err != nil {
		return console.Person{}, err
	}
	roles := map[reader.Role]console.Role{reader.RoleViewer: console.Viewer, reader.RoleOperator: console.Operator}
	return console.Person{
		ID: strconv.FormatInt(session.ReaderID, 10), Name: session.Email, Role: roles[session.Role], SignedIn: session.SignedIn,
	}, nil
}

// SignIn leads to the site's own page.
func (o operators) SignIn(next string) string { return signInURL(next) }

// Renew verifies the password like a sign-in, and replaces the session and its cookie. The request itself keeps the old
// cookie: the browser must send another one. Other open pages reconnect with the new cookie.
func (o operators) Renew(w http.ResponseWriter, r *http.Request, password string) error {
	s, ctx, token := o.site, r.Context(), o.site.token(r)
	session, err := reader.BySession(ctx, s.DB, token)
	if errors.Is(err, pgx.ErrNoRows) {
		return sessionEnded(err)
	}
	if err != nil {
		return err
	}
	if err := limited(reader.SignInAllowed(ctx, s.DB, clientAddr(r), session.Email)); err != nil {
		return err
	}
	me, err := reader.SignIn(ctx, s.DB, s.Hasher, session.Email, password)
	if errors.Is(err, reader.ErrSignIn) {
		return console.ErrPassword
	}
	if err != nil {
		return err
	}
	err = s.begin(ctx, func(tx pgx.Tx) error {
		if err := reader.HoldPassword(ctx, tx, me); err != nil {
			return err
		}
		if err := reader.SignedIn(ctx, tx, clientAddr(r), me.Email); err != nil {
			return err
		}
		token, err = reader.RenewSession(ctx, tx, me.ID, token)
		return err
	})
	switch {
	case errors.Is(err, reader.ErrSignIn): // the password was changed meanwhile
		return console.ErrPassword
	case errors.Is(err, pgx.ErrNoRows):
		return sessionEnded(err)
	case err != nil:
		return err
	}
	s.setSession(w, token)
	return nil
}

// sessionEnded answers a person whose session ended, or was renewed, while the password was being typed.
func sessionEnded(err error) error {
	return &answer.Error{
		Status: http.StatusForbidden, Headline: "Your session has ended", Err: err,
		Sentence: "You signed out or gave your password in another tab. Nothing was changed.",
		Advice:   "Go back, reload the page and try again.",
	}
}
