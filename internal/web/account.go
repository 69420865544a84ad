package web

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5/middleware"
	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/answer"
	"github.com/backlist/backlist/internal/form"
	"github.com/backlist/backlist/internal/reader"
	"github.com/backlist/backlist/internal/site"
	"github.com/backlist/backlist/views/page"
	"github.com/backlist/backlist/views/ui"
)

func (s *Server) signUpPage(w http.ResponseWriter, r *http.Request) error {
	if readerOf(r.Context()) != nil {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return nil
	}
	return s.showSignUp(w, r, http.StatusOK, page.SignUp{Next: form.Shown(r.URL.Query().Get("next"))})
}

func (s *Server) showSignUp(w http.ResponseWriter, r *http.Request, status int, d page.SignUp) error {
	d.Page = s.chrome(r, "Sign up", "")
	return render(w, r, status, page.SignUpPage(d))
}

func (s *Server) signUp(w http.ResponseWriter, r *http.Request) error {
	if err := answer.ParseForm(r); err != nil {
		return err
	}
	typed := reader.SignUp{
		Name: r.PostForm.Get("name"), Email: r.PostForm.Get("email"), Password: r.PostForm.Get("password"),
		Quiet: r.PostForm.Get("quiet") != "",
	}
	next := r.PostForm.Get("next")
	again := func(err error) error {
		invalid, ok := errors.AsType[form.Invalid](err)
		if !ok {
			return err
		}
		return s.showSignUp(w, r, http.StatusUnprocessableEntity, page.SignUp{
			Name:     ui.Input{Value: form.Shown(typed.Name), Error: invalid["name"]},
			Email:    ui.Input{Value: form.Shown(typed.Email), Error: invalid["email"]},
			Password: ui.Input{Error: invalid["password"]},
			Quiet:    typed.Quiet, Next: form.Shown(next),
		})
	}
	checked, err := typed.Check()
	if err != nil {
		return again(err)
	}
	if err := limited(reader.SignUpAllowed(r.Context(), s.DB, clientAddr(r))); err != nil {
		return err
	}
	hash, err := s.Hasher.Hash(r.Context(), checked.Password)
	if err != nil {
		return err
	}
	var token string
	err = s.begin(r.Context(), func(tx pgx.Tx) error {
		if err := s.learnAddress(r, tx); err != nil {
			return err
		}
		me, err := reader.Create(r.Context(), tx, s.Jobs, checked, hash)
		if err != nil {
			return err
		}
		token, err = reader.StartSession(r.Context(), tx, me.ID)
		return err
	})
	if err != nil {
		return again(err)
	}
	s.Address.Learnt()
	s.setSession(w, token)
	return s.redirect(w, r, localPath(next), flashWelcome)
}

// learnAddress stores the address at which the first account is made, for links in mail. Without a proxy that checks hosts,
// BASE_URL should be set, because the first visitor could otherwise choose that address.
func (s *Server) learnAddress(r *http.Request, tx pgx.Tx) error {
	scheme := "https"
	if s.Dev || (r.TLS == nil && r.Header.Get("X-Forwarded-Proto") != "https") {
		scheme = "http"
	}
	base, err := s.Address.Learn(r.Context(), tx, scheme, r.Host)
	if errors.Is(err, site.ErrHost) {
		return &answer.Error{
			Status: http.StatusBadRequest, Headline: "That is not an address of this site", Err: err,
			Sentence: "Your browser asked for a host name that links in mail cannot begin with, so no account was made.",
		}
	}
	if base != "" && !s.TrustProxy { // a platform's router rejects foreign hosts
		s.Log.WarnContext(r.Context(), "BASE_URL is not set: links in mail lead where the first sign-up was made", "base_url", base)
	}
	return err
}

func (s *Server) signInPage(w http.ResponseWriter, r *http.Request) error {
	if readerOf(r.Context()) != nil {
		http.Redirect(w, r, localPath(r.URL.Query().Get("next")), http.StatusSeeOther)
		return nil
	}
	return s.showSignIn(w, r, http.StatusOK, page.SignIn{Next: form.Shown(r.URL.Query().Get("next"))})
}

func (s *Server) showSignIn(w http.ResponseWriter, r *http.Request, status int, d page.SignIn) error {
	d.Page = s.chrome(r, "Sign in", "")
	return render(w, r, status, page.SignInPage(d))
}

// signIn computes one password hash and gives the same answer whether or not the address has an account.
func (s *Server) signIn(w http.ResponseWriter, r *http.Request) error {
	if err := answer.ParseForm(r); err != nil {
		return err
	}
	email, password, next := r.PostForm.Get("email"), r.PostForm.Get("password"), r.PostForm.Get("next")
	if email == "" || password == "" || !form.Clean(email) || !form.Clean(password) {
		d := page.SignIn{Email: ui.Input{Value: email}, Next: form.Shown(next)}
		if email == "" {
			d.Email.Error = "Your e-mail address is missing."
		} else if !form.Clean(email) {
			d.Email = ui.Input{Error: "That address contains characters that cannot be stored. Please type it again."}
		}
		if password == "" {
			d.Password.Error = "Your password is missing."
		} else if !form.Clean(password) {
			d.Password.Error = "Passwords here cannot contain those characters."
		}
		return s.showSignIn(w, r, http.StatusUnprocessableEntity, d)
	}
	if err := limited(reader.SignInAllowed(r.Context(), s.DB, clientAddr(r), email)); err != nil {
		return err
	}
	token, err := s.startSession(r, email, password)
	if errors.Is(err, reader.ErrSignIn) {
		return s.showSignIn(w, r, http.StatusUnprocessableEntity, page.SignIn{
			Email: ui.Input{Value: email}, Next: form.Shown(next),
			Problem: "That e-mail address and password do not match. Check both, or ask for a new password below.",
		})
	}
	if err != nil {
		return err
	}
	s.setSession(w, token)
	http.Redirect(w, r, localPath(next), http.StatusSeeOther)
	return nil
}

// startSession signs in. It returns reader.ErrSignIn for a wrong address or password.
func (s *Server) startSession(r *http.Request, email, password string) (token string, err error) {
	me, err := reader.SignIn(r.Context(), s.DB, s.Hasher, email, password)
	if err != nil {
		return "", err
	}
	err = s.begin(r.Context(), func(tx pgx.Tx) error {
		if err := reader.HoldPassword(r.Context(), tx, me); err != nil {
			return err
		}
		if err := reader.SignedIn(r.Context(), tx, clientAddr(r), email); err != nil {
			return err
		}
		token, err = reader.StartSession(r.Context(), tx, me.ID)
		return err
	})
	return token, err
}

func (s *Server) signOut(w http.ResponseWriter, r *http.Request) error {
	if token := s.token(r); token != "" {
		if err := reader.EndSession(r.Context(), s.DB, token); err != nil {
			return err
		}
	}
	s.clearSession(w)
	return s.redirect(w, r, "/", flashSignedOut)
}

// clientAddr returns the client's address, as reported by the proxy if it is trusted.
func clientAddr(r *http.Request) string { return middleware.GetClientIP(r.Context()) }

// limited turns a refused attempt into a 429 with the time to wait.
func limited(ok bool, wait time.Duration, err error) error {
	if err != nil || ok {
		return err
	}
	seconds := int(math.Ceil(wait.Seconds()))
	return &answer.Error{
		Status: http.StatusTooManyRequests, Headline: "Too many attempts", RetryAfter: seconds,
		Sentence: fmt.Sprintf("To protect accounts we limit attempts. Please wait %s and try again.", waitText(seconds)),
	}
}

func waitText(seconds int) string {
	switch {
	case seconds <= 1:
		return "a second"
	case seconds < 90:
		return strconv.Itoa(seconds) + " seconds"
	default:
		return strconv.Itoa((seconds+59)/60) + " minutes"
	}
}
