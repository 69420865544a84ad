package web

import (
	"context"
	"net/http"
)

// A flash is a sentence that the page after a redirect shows once. The cookie contains its name and not its text, so that
// another site cannot choose the words.
type flash string

const (
	flashWelcome     flash = "welcome"
	flashSignedOut   flash = "signed-out"
	flashRated       flash = "rated"
	flashUnrated     flash = "unrated"
	flashShelved     flash = "shelved"
	flashUnshelved   flash = "unshelved"
	flashDismissed   flash = "dismissed"
	flashUndismissed flash = "undismissed"
	flashSaved       flash = "saved"
	flashPassword    flash = "password"
	flashReset       flash = "reset"
	flashDeleted     flash = "deleted"
)

var sentences = map[flash]string{
	flashWelcome:     "Welcome. Rate a few books that you know, and recommendations will follow.",
	flashSignedOut:   "You are signed out.",
	flashRated:       "Your rating is saved.",
	flashUnrated:     "Your rating is removed.",
	flashShelved:     "Your shelf is up to date.",
	flashUnshelved:   "The book is off your shelves.",
	flashDismissed:   "We will not recommend that book again.",
	flashUndismissed: "The book may be recommended again.",
	flashSaved:       "Your settings are saved.",
	flashPassword:    "Your password is changed, and other devices are signed out.",
	flashReset:       "Your new password is set. You are signed in.",
	flashDeleted:     "Your account and everything in it is deleted.",
}

type flashKey struct{}

func flashOf(ctx context.Context) string {
	text, _ := ctx.Value(flashKey{}).(string)
	return text
}

// redirect answers an accepted form with a redirect to path, where the page shows f's sentence.
func (s *Server) redirect(w http.ResponseWriter, r *http.Request, path string, f flash) error {
	http.SetCookie(w, &http.Cookie{
		Name: "flash", Value: string(f), Path: "/", MaxAge: 60, HttpOnly: true, Secure: !s.Dev, SameSite: http.SameSiteLaxMode,
	})
	http.Redirect(w, r, path, http.StatusSeeOther)
	return nil
}

// takeFlash returns the sentence of the last redirect and clears it. Call it only for a page that shows the sentence.
func (s *Server) takeFlash(w http.ResponseWriter, r *http.Request) string {
	if r.Method != http.MethodGet || r.URL.Path == "/recommendations/events" {
		return ""
	}
	cookie, err := r.Cookie("flash")
	if err != nil {
		return ""
	}
	http.SetCookie(w, &http.Cookie{
		Name: "flash", Path: "/", MaxAge: -1, HttpOnly: true, Secure: !s.Dev, SameSite: http.SameSiteLaxMode,
	})
	return sentences[flash(cookie.Value)]
}
