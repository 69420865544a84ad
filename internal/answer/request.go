package answer

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"regexp"
)

type requestIDKey struct{}

// plainID is the form of a proxy's request id that is taken over: others could break a log line.
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

// Method returns the request's method for a log. A client may send any word of kilobytes, so it is cut short.
func Method(r *http.Request) string {
	const most = 16
	if len(r.Method) > most {
		return r.Method[:most] + "…"
	}
	return r.Method
}

// SecureHeaders lets a page load only what its own site serves, and no other site frame it.
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

// ParseForm reads the form in the request's body. Its error says what the user sees: that the body is too large or cannot
// be read as a form.
func ParseForm(r *http.Request) error {
	err := r.ParseForm()
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); err == nil || tooLarge {
		return err
	}
	return &Error{
		Status: http.StatusBadRequest, Headline: "That form could not be read",
		Sentence: "What your browser sent was incomplete or garbled, so nothing was changed.", Err: err,
	}
}
