package web

import (
	"errors"
	"net/http"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/answer"
	"github.com/backlist/backlist/internal/form"
	"github.com/backlist/backlist/internal/pipeline"
	"github.com/backlist/backlist/internal/reader"
	"github.com/backlist/backlist/internal/store"
	"github.com/backlist/backlist/views/page"
	"github.com/backlist/backlist/views/ui"
)

func (s *Server) settingsPage(w http.ResponseWriter, r *http.Request) error {
	return s.showSettings(w, r, http.StatusOK, nil)
}

// showSettings answers with the settings page of the account. change, which may be nil, replaces values by typed ones and adds
// their errors.
func (s *Server) showSettings(w http.ResponseWriter, r *http.Request, status int, change func(*page.Settings)) error {
	var me store.Reader
	frame, err := s.chromeFor(r, "Settings", "settings",
		func(db pipeline.DB) (err error) {
			me, err = reader.ByID(r.Context(), db, readerIDOf(r.Context()))
			return err
		})
	if err != nil {
		return err
	}
	d := page.Settings{
		Page: frame, Email: me.Email, Name: ui.Input{Value: me.Name}, TimeZone: ui.Input{Value: me.TimeZone}, Quiet: !me.MailReady,
	}
	for _, zone := range reader.TimeZones(me.TimeZone) {
		d.Zones = append(d.Zones, ui.Option{Value: zone, Text: zone})
	}
	if change != nil {
		change(&d)
	}
	return render(w, r, status, page.SettingsPage(d))
}

func (s *Server) settings(w http.ResponseWriter, r *http.Request) error {
	if err := answer.ParseForm(r); err != nil {
		return err
	}
	typed := reader.Settings{
		Name: r.PostForm.Get("name"), TimeZone: r.PostForm.Get("time_zone"), MailReady: r.PostForm.Get("quiet") == "",
	}
	checked, err := typed.Check()
	if invalid, ok := errors.AsType[form.Invalid](err); ok {
		return s.showSettings(w, r, http.StatusUnprocessableEntity, func(d *page.Settings) {
			d.Name = ui.Input{Value: form.Shown(typed.Name), Error: invalid["name"]}
			d.TimeZone = ui.Input{Value: form.Shown(typed.TimeZone), Error: invalid["time_zone"]}
			d.Quiet = !typed.MailReady
		})
	}
	if err != nil {
		return err
	}
	if err := reader.SaveSettings(r.Context(), s.DB, readerIDOf(r.Context()), checked); err != nil {
		return err
	}
	return s.redirect(w, r, "/settings", flashSaved)
}

func (s *Server) changePassword(w http.ResponseWriter, r *http.Request) error {
	if err := answer.ParseForm(r); err != nil {
		return err
	}
	me := readerOf(r.Context())
	password := r.PostForm.Get("password")
	wrong := func(change func(*page.Settings)) error {
		return s.showSettings(w, r, http.StatusUnprocessableEntity, change)
	}
	if err := reader.CheckPassword(me.Email, password); err != nil {
		invalid, _ := errors.AsType[form.Invalid](err)
		return wrong(func(d *page.Settings) { d.Password.Error = invalid["password"] })
	}
	notCurrent := func(d *page.Settings) { d.Current.Error = "That is not your current password." }
	checked, err := s.confirmed(r, r.PostForm.Get("current"))
	if errors.Is(err, reader.ErrSignIn) {
		return wrong(notCurrent)
	}
	if err != nil {
		return err
	}
	hash, err := s.Hasher.Hash(r.Context(), password)
	if err != nil {
		return err
	}
	err = s.begin(r.Context(), func(tx pgx.Tx) error {
		if err := reader.HoldPassword(r.Context(), tx, checked); err != nil {
			return err
		}
		if err := reader.SignedIn(r.Context(), tx, clientAddr(r), me.Email); err != nil {
			return err
		}
		return reader.ChangePassword(r.Context(), tx, me.ReaderID, hash, s.token(r))
	})
	if errors.Is(err, reader.ErrSignIn) {
		return wrong(notCurrent)
	}
	if err != nil {
		return err
	}
	return s.redirect(w, r, "/settings", flashPassword)
}

// confirmed returns the signed-in reader's account, or reader.ErrSignIn if the password is wrong. Attempts count as attempts to
// sign in.
func (s *Server) confirmed(r *http.Request, password string) (store.Reader, error) {
	me, err := reader.ByID(r.Context(), s.DB, readerOf(r.Context()).ReaderID)
	if err != nil {
		return me, err
	}
	if err := limited(reader.SignInAllowed(r.Context(), s.DB, clientAddr(r), me.Email)); err != nil {
		return me, err
	}
	ok, err := s.Hasher.Verify(r.Context(), me.PasswordHash, password)
	if err == nil && !ok {
		err = reader.ErrSignIn
	}
	return me, err
}

func (s *Server) deletePage(w http.ResponseWriter, r *http.Request) error {
	return s.showDelete(w, r, http.StatusOK, page.DeleteAccount{})
}

func (s *Server) showDelete(w http.ResponseWriter, r *http.Request, status int, d page.DeleteAccount) error {
	var sum reader.Summary
	var err error
	d.Page, err = s.chromeFor(r, "Delete your account", "settings",
		func(db pipeline.DB) (err error) {
			sum, err = reader.DeletionSummary(r.Context(), db, readerIDOf(r.Context()))
			return err
		})
	if err != nil {
		return err
	}
	d.Ratings, d.Shelved, d.Mails, d.LastOperator = sum.Ratings, sum.Shelved, sum.Messages, sum.LastOperator
	return render(w, r, status, page.DeleteAccountPage(d))
}

// deleteAccount deletes the reader and, by foreign keys, all of the reader's data including queued mail.
func (s *Server) deleteAccount(w http.ResponseWriter, r *http.Request) error {
	if err := answer.ParseForm(r); err != nil {
		return err
	}
	checked, err := s.confirmed(r, r.PostForm.Get("password"))
	if err == nil {
		err = s.begin(r.Context(), func(tx pgx.Tx) error {
			if err := reader.HoldPassword(r.Context(), tx, checked); err != nil {
				return err
			}
			return reader.Delete(r.Context(), tx, checked.ID)
		})
	}
	if errors.Is(err, reader.ErrSignIn) {
		return s.showDelete(w, r, http.StatusUnprocessableEntity, page.DeleteAccount{
			Password: ui.Input{Error: "That is not your password. Nothing was deleted."},
		})
	}
	if err != nil {
		return err
	}
	s.clearSession(w)
	return s.redirect(w, r, "/", flashDeleted)
}
