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
	flashStopped     flash = "import-stopped"
	flashUndone      flash = "import-undone"
	flashSettled     flash = "import-settled"
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
	flashStopped:     "The import is stopped. What it had already brought stays.",
	flashUndone:      "The import is undone.",
	flashSettled:     "That row is settled.",
	flashDeleted:     "Your account and all its data have been deleted.",
}

type flashKey struct{}

// withFlash puts the flash of the last redirect into the context of a request for a page.
func withFlash(r *http.Request) *http.Request {
	cookie, err := r.Cookie(flashCookie)
	if r.Method != http.MethodGet || err != nil {
		return r
	}
	return r.WithContext(context.WithValue(r.Context(), flashKey{}, flash(cookie.Value)))
}

// flashOf returns the sentence that the page must show. render clears the flash once a page has shown it.
func flashOf(ctx context.Context) string {
	f, _ := ctx.Value(flashKey{}).(flash)
	return sentences[f]
}

const flashCookie = "flash"

// redirect answers an accepted form with a redirect to path, where the page shows f's sentence.
func (s *Server) redirect(w http.ResponseWriter, r *http.Request, path string, f flash) error {
	http.SetCookie(w, &http.Cookie{
		Name: flashCookie, Value: string(f), Path: "/", MaxAge: 60, HttpOnly: true, Secure: !s.Dev, SameSite: http.SameSiteLaxMode,
	})
	http.Redirect(w, r, path, http.StatusSeeOther)
	return nil
}

// clearFlash makes the browser forget the flash that the page shows. To delete a cookie, only its name and path must match.
func clearFlash(w http.ResponseWriter, r *http.Request) {
	if _, ok := r.Context().Value(flashKey{}).(flash); ok {
		http.SetCookie(w, &http.Cookie{Name: flashCookie, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteLaxMode})
	}
}
