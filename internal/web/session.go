package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/answer"
	"github.com/backlist/backlist/internal/reader"
	"github.com/backlist/backlist/internal/trace"
)

type sessionKey struct{}

// withSession puts the session and the flash into the request's context.
func (s *Server) withSession(w http.ResponseWriter, r *http.Request) (_ *http.Request, err error) {
	err = trace.Step(r.Context(), "session", func(context.Context) error {
		r, err = s.findSession(w, r)
		return err
	})
	return r, err
}

func (s *Server) findSession(w http.ResponseWriter, r *http.Request) (*http.Request, error) {
	r = withFlash(r)
	token := s.token(r)
	if token == "" {
		return r, nil
	}
	session, err := reader.BySession(r.Context(), s.DB, token)
	if errors.Is(err, pgx.ErrNoRows) {
		return r, nil // ended or expired: treat the reader as a visitor
	}
	if err != nil {
		return r, err
	}
	if session.Stale {
		if err := reader.Touch(r.Context(), s.DB, token); err != nil {
			return r, err
		}
		s.setSession(w, token)
	}
	return r.WithContext(context.WithValue(r.Context(), sessionKey{}, &session)), nil
}

// readerOf returns the session of the signed-in reader, or nil.
func readerOf(ctx context.Context) *reader.Session {
	session, _ := ctx.Value(sessionKey{}).(*reader.Session)
	return session
}

// readerIDOf returns the id of the signed-in reader, or 0.
func readerIDOf(ctx context.Context) int64 {
	if session := readerOf(ctx); session != nil {
		return session.ReaderID
	}
	return 0
}

// signedIn redirects visitors to sign in, and then back to the page that they requested or whose form they sent.
func signedIn(h answer.Handler) answer.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if readerOf(r.Context()) != nil {
			return h(w, r)
		}
		next := r.URL.RequestURI()
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			next = localReferer(r)
		}
		http.Redirect(w, r, signInURL(next), http.StatusSeeOther)
		return nil
	}
}

// signInURL returns the address where a visitor signs in and then comes back to next.
func signInURL(next string) string { return "/signin?next=" + url.QueryEscape(next) }

// localReferer returns the path of the referring page if it is on this site, or else "/".
func localReferer(r *http.Request) string {
	u, err := url.Parse(r.Referer())
	if err != nil || u.Host != r.Host {
		return "/"
	}
	return localPath(u.RequestURI())
}

// localPath returns path if it leads to a page of this site, or else "/", because a link must not send readers elsewhere.
func localPath(path string) string {
	u, err := url.Parse(path)
	if err != nil || u.Scheme != "" || u.Host != "" || !strings.HasPrefix(path, "/") ||
		strings.HasPrefix(path, "//") || strings.ContainsAny(path, "\\\r\n\t") {
		return "/"
	}
	return path
}

// cookieName returns the session cookie's name. Outside dev it has the prefix by which browsers require Secure.
func (s *Server) cookieName() string {
	if s.Dev {
		return "backlist"
	}
	return "__Host-backlist"
}

// token returns the value of the request's session cookie, or "".
func (s *Server) token(r *http.Request) string {
	cookie, err := r.Cookie(s.cookieName())
	if err != nil {
		return ""
	}
	return cookie.Value
}

// setSession sets the session cookie for as long as an unused session lives.
func (s *Server) setSession(w http.ResponseWriter, token string) {
	http.SetCookie(w, &http.Cookie{
		Name: s.cookieName(), Value: token, Path: "/", MaxAge: int(reader.SessionLife.Seconds()),
		HttpOnly: true, Secure: !s.Dev, SameSite: http.SameSiteLaxMode,
	})
}

func (s *Server) clearSession(w http.ResponseWriter) {
	http.SetCookie(w, &http.Cookie{
		Name: s.cookieName(), Path: "/", MaxAge: -1, HttpOnly: true, Secure: !s.Dev, SameSite: http.SameSiteLaxMode,
	})
}
