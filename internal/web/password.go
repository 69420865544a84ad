package web

import (
	"errors"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/answer"
	"github.com/backlist/backlist/internal/form"
	"github.com/backlist/backlist/internal/reader"
	"github.com/backlist/backlist/views/page"
	"github.com/backlist/backlist/views/ui"
)

func (s *Server) forgotPage(w http.ResponseWriter, r *http.Request) error {
	return s.showForgot(w, r, http.StatusOK, page.Forgot{})
}

func (s *Server) showForgot(w http.ResponseWriter, r *http.Request, status int, d page.Forgot) error {
	d.Page = s.chrome(r, "Forgotten password", "")
	return render(w, r, status, page.ForgotPage(d))
}

// forgot gives the same answer after the same time, whether or not the address has an account.
func (s *Server) forgot(w http.ResponseWriter, r *http.Request) error {
	start := time.Now()
	if err := answer.ParseForm(r); err != nil {
		return err
	}
	email := r.PostForm.Get("email")
	if err := reader.CheckEmail(email); err != nil {
		invalid, _ := errors.AsType[form.Invalid](err)
		return s.showForgot(w, r, http.StatusUnprocessableEntity, page.Forgot{
			Email: ui.Input{Value: form.Shown(email), Error: invalid["email"]},
		})
	}
	if err := limited(reader.ResetAllowed(r.Context(), s.DB, clientAddr(r))); err != nil {
		return err
	}
	err := s.begin(r.Context(), func(tx pgx.Tx) error {
		return reader.RequestReset(r.Context(), tx, s.Jobs, email)
	})
	if err != nil {
		return err
	}
	if err := reader.Floor(r.Context(), start, reader.ResetFloor); err != nil {
		return err
	}
	http.Redirect(w, r, "/forgot/sent", http.StatusSeeOther)
	return nil
}

func (s *Server) forgotSent(w http.ResponseWriter, r *http.Request) error {
	d := page.ForgotSent{Page: s.chrome(r, "Check your e-mail", ""), Valid: "one hour"}
	return render(w, r, http.StatusOK, page.ForgotSentPage(d))
}

func (s *Server) resetPage(w http.ResponseWriter, r *http.Request) error {
	_, err := reader.ResetCheck(r.Context(), s.DB, chi.URLParam(r, "token"))
	if isResetError(err) {
		return s.showReset(w, r, http.StatusNotFound, page.Reset{Expired: true})
	}
	if err != nil {
		return err
	}
	return s.showReset(w, r, http.StatusOK, page.Reset{})
}

func (s *Server) showReset(w http.ResponseWriter, r *http.Request, status int, d page.Reset) error {
	w.Header().Set("Cache-Control", "no-store")
	// The URL contains the token. With no-referrer, browsers would post the form with Origin: null, which we refuse.
	w.Header().Set("Referrer-Policy", "strict-origin")
	d.Page = s.chrome(r, "New password", "")
	d.Action = r.URL.Path
	return render(w, r, status, page.ResetPage(d))
}

func (s *Server) reset(w http.ResponseWriter, r *http.Request) error {
	if err := answer.ParseForm(r); err != nil {
		return err
	}
	password, token := r.PostForm.Get("password"), chi.URLParam(r, "token")
	link, err := reader.ResetCheck(r.Context(), s.DB, token) // before the costly hash
	if err == nil {
		err = reader.CheckPassword(link.Email, password)
	}
	var session string
	if err == nil {
		session, err = s.resetPassword(r, token, password)
	}
	if isResetError(err) {
		return s.showReset(w, r, http.StatusNotFound, page.Reset{Expired: true})
	}
	if invalid, ok := errors.AsType[form.Invalid](err); ok {
		return s.showReset(w, r, http.StatusUnprocessableEntity, page.Reset{Password: ui.Input{Error: invalid["password"]}})
	}
	if err != nil {
		return err
	}
	s.setSession(w, session)
	return s.redirect(w, r, "/", flashReset)
}

func (s *Server) resetPassword(r *http.Request, token, password string) (session string, err error) {
	hash, err := s.Hasher.Hash(r.Context(), password)
	if err != nil {
		return "", err
	}
	err = s.begin(r.Context(), func(tx pgx.Tx) error {
		readerID, err := reader.ResetPassword(r.Context(), tx, token, hash)
		if err != nil {
			return err
		}
		session, err = reader.StartSession(r.Context(), tx, readerID)
		return err
	})
	return session, err
}

// isResetError reports whether a link is used, expired or invalid. The page then offers another.
func isResetError(err error) bool {
	_, ok := errors.AsType[reader.ResetError](err)
	return ok
}
