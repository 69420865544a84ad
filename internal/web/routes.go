package web

import (
	"cmp"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/answer"
	"github.com/backlist/backlist/internal/console"
	"github.com/backlist/backlist/views/asset"
)

// Handler returns the site's routes. Routes that need other limits than ordinary ones set their own.
func (s *Server) Handler() http.Handler {
	pages := s.pages()
	stream := answer.Limits{} // endless; each event has a limit
	page := s.page

	r := chi.NewRouter()
	r.Use(middleware.GetHead, answer.Identify, s.accessLog, pages.Recover, answer.SecureHeaders)
	if s.TrustProxy {
		r.Use(middleware.ClientIPFromXFFTrustedProxies(1), httpsOnly)
	} else {
		r.Use(middleware.ClientIPFromRemoteAddr)
	}
	r.Get("/healthz", s.health)
	r.Get("/readyz", s.readiness)
	r.Handle("/assets/*", asset.Handler())
	r.Get("/recommendations/events", pages.Within(stream, signedIn(s.recommendationEvents)))
	r.Get("/imports/{id}/events", pages.Within(stream, signedIn(s.importEvents)))
	if s.lab != nil {
		r.Get("/lab/{slug}/{id}/events", pages.Within(stream, s.inLab(s.runEvents)))
	}

	if s.console != nil {
		s.console.Mount(r)
	}

	r.Group(func(r chi.Router) {
		r.Use(middleware.Compress(5), sameOrigin(page(fromAnotherSite)))
		r.NotFound(page(notFound))
		r.MethodNotAllowed(page(methodNotAllowed))

		r.Get("/", page(s.home))
		r.Get("/books", page(s.books))
		r.Get("/books/{id}", page(s.bookPage))
		r.Post("/books/{id}/rating", page(signedIn(s.tasteForm(readRating))))
		r.Post("/books/{id}/shelf", page(signedIn(s.tasteForm(readShelving))))
		r.Post("/books/{id}/dismissal", page(signedIn(s.tasteForm(readDismissal))))
		r.Get("/recommendations", page(signedIn(s.recommendations)))
		r.Get("/shelf", page(signedIn(s.shelf)))

		r.Get("/imports", page(signedIn(s.imports)))
		r.Post("/imports", pages.Within(uploadLimits, signedIn(s.upload)))
		r.Get("/imports/{id}", page(signedIn(s.importPage)))
		r.Get("/imports/{id}/rows.csv", page(signedIn(s.importRows)))
		r.Post("/imports/{id}/stop", page(signedIn(s.stopImport)))
		r.Post("/imports/{id}/undo", page(signedIn(s.undoImport)))
		r.Post("/imports/{id}/rows/{n}", page(signedIn(s.settleRow)))

		r.Get("/mailbox", page(signedIn(s.mailbox)))
		r.Get("/mailbox/{id}", page(signedIn(s.message)))
		r.Post("/mailbox/{id}/read", page(signedIn(s.markRead)))
		r.Get("/unsubscribe/{token}", page(s.unsubscribePage))
		r.Post("/unsubscribe/{token}", page(s.unsubscribe))

		r.Get("/signup", page(s.signUpPage))
		r.Post("/signup", page(s.signUp))
		r.Get("/signin", page(s.signInPage))
		r.Post("/signin", page(s.signIn))
		r.Post("/signout", page(s.signOut))
		r.Get("/forgot", page(s.forgotPage))
		r.Post("/forgot", page(s.forgot))
		r.Get("/forgot/sent", page(s.forgotSent))
		r.Get("/reset/{token}", page(s.resetPage))
		r.Post("/reset/{token}", page(s.reset))
		r.Get("/settings", page(signedIn(s.settingsPage)))
		r.Post("/settings", page(signedIn(s.settings)))
		r.Post("/settings/password", page(signedIn(s.changePassword)))
		r.Get("/settings/delete", page(signedIn(s.deletePage)))
		r.Post("/settings/delete", page(signedIn(s.deleteAccount)))

		s.mountLab(r)
		if s.Dev {
			r.Get("/styleguide", page(s.styleguide))
		}
	})
	return r
}

func (s *Server) pages() *answer.Pages {
	return &answer.Pages{Log: s.Log, Begin: s.withSession, ErrorPage: s.errorPage}
}

// page adapts the handler of an ordinary page.
func (s *Server) page(h answer.Handler) http.HandlerFunc {
	return s.pages().Within(answer.Limits{Time: cmp.Or(s.RequestTime, 10*time.Second), Body: 64 << 10}, h)
}

// OpenConsole adds the console to the site. It reads and acts through pool. Call it before Handler.
func (s *Server) OpenConsole(pool *pgxpool.Pool) {
	s.console = console.New(console.Config{
		Pool: pool, Identity: s.Operators(), Log: s.Log, NotFound: s.page(notFound), Site: "/", Release: s.Release, RequestTime: s.RequestTime,
	})
}
