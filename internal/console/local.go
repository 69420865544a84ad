package console

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/answer"
	"github.com/backlist/backlist/views/asset"
	view "github.com/backlist/backlist/views/console"
)

// localCookie is the session of a Local. It needs no Secure, because it never leaves the machine.
const localCookie = "backlist-console"

// Local is the Identity of a console on one person's machine. A token in an address that the terminal prints becomes a
// cookie, once. The cookie gives the right to act.
type Local struct {
	name    string
	session string

	mu    sync.Mutex
	token string // empty once it was used
}

// NewLocal returns the identity of the person called name, as jobs.audit will name it.
func NewLocal(name string) *Local {
	return &Local{name: name, session: rand.Text(), token: rand.Text()}
}

// Address returns the address that opens the console, once.
func (l *Local) Address(host string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return "http://" + host + "/?token=" + url.QueryEscape(l.token)
}

// Handler serves the console alone, to requests for this host. Another Host header is a name that another site has given to
// this address, so it is refused.
func (l *Local) Handler(s *Server, host string) http.Handler {
	r := chi.NewRouter()
	r.Use(onlyHost(host), answer.Identify, answer.SecureHeaders)
	r.Handle("/assets/*", asset.Handler())
	r.Get("/", l.enter)
	s.Mount(r)
	return r
}

func onlyHost(host string) func(http.Handler) http.Handler {
	_, port, _ := net.SplitHostPort(host)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Host != host && r.Host != net.JoinHostPort("localhost", port) {
				http.Error(w, "This console answers at http://"+host+" only.", http.StatusMisdirectedRequest)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// enter exchanges the token for a cookie.
func (l *Local) enter(w http.ResponseWriter, r *http.Request) {
	if l.has(r) {
		http.Redirect(w, r, view.Root, http.StatusSeeOther)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	given := r.URL.Query().Get("token")
	if l.token == "" || subtle.ConstantTimeCompare([]byte(given), []byte(l.token)) == 0 {
		http.Error(w, "This address opens the console once. Stop backlist console, start it again and use the address that it prints.", http.StatusForbidden)
		return
	}
	l.token = ""
	http.SetCookie(w, &http.Cookie{Name: localCookie, Value: l.session, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
	http.Redirect(w, r, view.Root, http.StatusSeeOther)
}

func (l *Local) has(r *http.Request) bool {
	cookie, err := r.Cookie(localCookie)
	return err == nil && subtle.ConstantTimeCompare([]byte(cookie.Value), []byte(l.session)) == 1
}

// Person returns the person if the request has the cookie.
func (l *Local) Person(_ context.Context, r *http.Request) (Person, error) {
	if !l.has(r) {
		return Person{}, nil
	}
	return Person{ID: "local", Name: l.name, Role: Operator, SignedIn: time.Now()}, nil
}

// Confirm is like Person: the right to act ends with the process.
func (l *Local) Confirm(ctx context.Context, _ pgx.Tx, r *http.Request) (Person, error) {
	return l.Person(ctx, r)
}

// SignIn returns the address that explains how to enter.
func (l *Local) SignIn(string) string { return "/" }

// Renew does nothing, because there is no password.
func (l *Local) Renew(http.ResponseWriter, *http.Request, string) error { return nil }
