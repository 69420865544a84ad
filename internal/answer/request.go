package answer

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"regexp"
)

type requestIDKey struct{}

// plainID is the form of a platform's request id that is kept: another could break a log line.
var plainID = regexp.MustCompile(`^[\w.:-]{8,128}$`)

// Identify gives each request an id: the platform's, or a new one. The client gets it back as X-Request-Id.
func Identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get("X-Request-Id")
		if !plainID.MatchString(id) {
			id = rand.Text()
		}
		w.Header().Set("X-Request-Id", id)
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), requestIDKey{}, id)))
	})
}

// RequestID returns the request's id, or "" outside of Identify.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

// Method returns the request's method for a log, cut short: a client may send a word of kilobytes.
func Method(r *http.Request) string {
	const most = 16
	if len(r.Method) > most {
		return r.Method[:most] + "…"
	}
	return r.Method
}

// SecureHeaders sets headers by which a page loads only what its own site serves, and no other site can frame it.
func SecureHeaders(next http.Handler) http.Handler {
	const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
		"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

// ParseForm reads the form in the request's body. Its error tells the user that the body is too large or not a form.
func ParseForm(r *http.Request) error {
	err := r.ParseForm()
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); err == nil || tooLarge {
		return err
	}
	return &Error{
		Status: http.StatusBadRequest, Headline: "That form could not be read",
		Sentence: "Your browser sent an incomplete or garbled form, so nothing was changed.", Err: err,
	}
}
