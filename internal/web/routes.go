package web

import (
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/backlist/backlist/views/asset"
)

// Handler returns the site's routes.
func (s *Server) Handler() http.Handler {
	r := chi.NewRouter()
	r.Use(middleware.GetHead, s.requestID, s.accessLog, s.recoverPanic, secureHeaders)
	if s.TrustProxy {
		r.Use(middleware.ClientIPFromXFFTrustedProxies(1), httpsOnly)
	} else {
		r.Use(middleware.ClientIPFromRemoteAddr)
	}
	r.Get("/healthz", s.health)
	r.Get("/readyz", s.readiness)
	r.Handle("/assets/*", asset.Handler())
	r.Get("/recommendations/events", s.stream(s.signedIn(s.recommendationEvents)))

	r.Group(func(r chi.Router) {
		r.Use(middleware.Compress(5), s.crossOrigin, limitBody)
		r.NotFound(s.page(s.notFound))
		r.MethodNotAllowed(s.page(s.methodNotAllowed))
		s.accountRoutes(r)
		s.bookRoutes(r)
		s.mailRoutes(r)
		r.Get("/", s.page(s.home))
		r.Get("/recommendations", s.page(s.signedIn(s.recommendations)))
		r.Get("/shelf", s.page(s.signedIn(s.shelf)))
		if s.Dev {
			r.Get("/styleguide", s.page(s.styleguide))
		}
	})
	return r
}
