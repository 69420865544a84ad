package console

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/a-h/templ"
	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/answer"
	"github.com/backlist/backlist/internal/live"
	view "github.com/backlist/backlist/views/console"
)

// Config is what a console needs.
type Config struct {
	Pool     *pgxpool.Pool
	Identity Identity
	Log      *slog.Logger
	NotFound http.Handler // answers persons without a role as the site answers at an address that it does not have
	Site     string       // the address of the site beside the console; empty if there is none
	Release  string       // shown at the foot of each page
	// RequestTime bounds ordinary requests; 0 means 10 s. Tests raise it, so that they pass on a busy machine.
	RequestTime time.Duration
}

// Server serves the console's pages.
type Server struct {
	Config
	asker     *asker
	refresher *refresher
	hub       *live.Hub
	exports   chan struct{} // holds a value while jobs are exported
	previews  chan struct{} // holds a value while an act is previewed
}

// New returns a console. Close ends its streams.
func New(c Config) *Server {
	s := &Server{
		Config: c, asker: newAsker(c.Pool), hub: live.NewHub(c.Log), exports: make(chan struct{}, 1), previews: make(chan struct{}, 1),
	}
	s.refresher = newRefresher(s.asker, s.hub, c.Log)
	return s
}

// Close ends the open streams, so that the process can stop; browsers connect again elsewhere.
func (s *Server) Close() { s.hub.Close() }

// Mount adds the console's routes below view.Root.
func (s *Server) Mount(r chi.Router) {
	pages := &answer.Pages{Log: s.Log, Begin: s.begin, ErrorPage: s.errorPage}
	ordinary := answer.Limits{Time: 10 * time.Second, Body: 64 << 10}
	if s.RequestTime > 0 {
		ordinary.Time = s.RequestTime
	}
	export := answer.Limits{Time: time.Minute}
	stream := answer.Limits{} // endless; each event has a limit
	page := func(h answer.Handler) http.HandlerFunc { return pages.Within(ordinary, s.entered(h)) }
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(page(func(http.ResponseWriter, *http.Request) error { return fromAnotherSite() }))

	r.Route(view.Root, func(r chi.Router) {
		for _, p := range s.pages() {
			if !p.Still {
				r.Get("/events"+strings.TrimSuffix(p.Path, "/"), pages.Within(stream, s.entered(s.stream(p))))
			}
		}
		r.Group(func(r chi.Router) {
			r.Use(middleware.Compress(5), protection.Handler)
			r.NotFound(page(func(http.ResponseWriter, *http.Request) error { return &answer.Error{Status: http.StatusNotFound} }))
			r.MethodNotAllowed(page(func(http.ResponseWriter, *http.Request) error {
				return &answer.Error{Status: http.StatusMethodNotAllowed}
			}))
			for _, p := range s.pages() {
				r.Get(p.Path, page(s.show(p)))
			}
			r.Get("/find", page(s.find))
			r.Get("/jobs/act", page(s.preview))
			r.Get("/jobs/suggest", page(s.suggest))
			r.Get("/jobs.csv", pages.Within(export, s.entered(s.export)))
			s.acts(r, func(h acting) http.HandlerFunc { return page(s.act(h)) })
		})
	})
}

type personKey struct{}

// begin finds the person who makes the request.
func (s *Server) begin(_ http.ResponseWriter, r *http.Request) (*http.Request, error) {
	person, err := s.Identity.Person(r.Context(), r)
	return r.WithContext(context.WithValue(r.Context(), personKey{}, person)), err
}

func personOf(ctx context.Context) Person {
	person, _ := ctx.Value(personKey{}).(Person)
	return person
}

// entered lets in persons with a role. Visitors are sent to sign in, and keep what they typed in a form; for others the console does
// not exist.
func (s *Server) entered(h answer.Handler) answer.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		person := personOf(r.Context())
		switch {
		case person.ID == "" && r.Method != http.MethodGet && r.Method != http.MethodHead:
			return s.signedOut(w, r)
		case person.ID == "":
			http.Redirect(w, r, s.Identity.SignIn(r.URL.RequestURI()), http.StatusSeeOther)
			return nil
		case person.Role == None:
			s.NotFound.ServeHTTP(w, r)
			return nil
		case r.Method != http.MethodGet && r.Method != http.MethodHead && person.Role != Operator:
			return viewersLook()
		}
		return h(w, r)
	}
}

func fromAnotherSite() error {
	return &answer.Error{
		Status: http.StatusForbidden, Headline: "That came from another site",
		Sentence: "The form was sent by a page that is not part of the console, so nothing was changed.",
		Advice:   "Go to the page here and try again.",
	}
}

// frame returns the frame of a page.
func (s *Server) frame(r *http.Request, p *Page, asked Asked) view.Frame {
	f := s.blankFrame(r, p.Title)
	f.Nav, f.Purpose, f.Charts = p.Nav, p.Purpose, p.Charts
	if !p.Still && len(asked.all()) > 0 {
		f.Live = eventsPath(r)
	}
	if asked.Title != "" {
		f.Title = asked.Title
	}
	return f
}

func (s *Server) blankFrame(r *http.Request, title string) view.Frame {
	person := personOf(r.Context())
	return view.Frame{Title: title, Site: s.Site, Person: person.Name, Acts: person.Role == Operator, Release: s.Release}
}

// eventsPath returns the address of the stream that keeps the request's page current.
func eventsPath(r *http.Request) string {
	u := *r.URL
	u.Path = view.Root + "/events" + u.Path[len(view.Root):]
	return u.RequestURI()
}

// viewer returns what components need to know of the person who looks, and of the address.
func (s *Server) viewer(r *http.Request) view.Viewer {
	u := *r.URL
	values := u.Query()
	values.Del("have") // says what the browser has, not what the page is
	u.RawQuery = values.Encode()
	u.Path = view.Root + strings.TrimPrefix(u.Path[len(view.Root):], "/events")
	return view.Viewer{Acts: personOf(r.Context()).Role == Operator, URL: &u, Now: time.Now()}
}

func (s *Server) render(w http.ResponseWriter, r *http.Request, status int, f view.Frame, main templ.Component) error {
	w.Header().Set("Cache-Control", "no-store")
	return answer.Render(w, r, status, view.Plain(f.Page(main)))
}

// errorPage returns the page of an error. It makes no query.
func (s *Server) errorPage(r *http.Request, e *answer.Error) templ.Component {
	d := view.Error{Status: e.Status, Headline: e.Headline, Sentence: e.Sentence, Advice: e.Advice}
	if e.Status >= http.StatusInternalServerError {
		d.RequestID = answer.RequestID(r.Context())
	}
	f := s.blankFrame(r, http.StatusText(e.Status))
	return view.Plain(f.Page(d.Body()))
}
