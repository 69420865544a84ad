package console

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/backlist/backlist/internal/answer"
	"github.com/backlist/backlist/internal/live"
	view "github.com/backlist/backlist/views/console"
)

const (
	// maxStreams bounds the live pages of one person in this process, because a script could open many.
	maxStreams = 20
	// rightsEvery is how often an open page's right to exist is checked: short enough that the page ends within 5 s even if a check is
	// a round and a statement late.
	rightsEvery = 3 * time.Second
)

// stream keeps an open page current: it sends the panels that changed, once a second at most.
func (s *Server) stream(p *Page) answer.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		asked, err := p.ask(r)
		if err != nil {
			return err
		}
		questions := asked.all()
		if len(questions) == 0 { // a page that says what is wrong with a search: it does not change
			w.WriteHeader(http.StatusNoContent)
			return nil
		}
		subscription := s.hub.Subscribe(personOf(r.Context()).ID, maxStreams)
		if subscription == nil {
			return &answer.Error{
				Status: http.StatusTooManyRequests, Headline: "Too many open pages",
				Sentence: "This account has more live pages open than we allow. Reload the page to see its present state.",
			}
		}
		defer subscription.Close()
		defer s.refresher.watch(questions)()
		err = subscription.Stream(w, r, s.livePage(r, questions))
		if err != nil {
			s.Log.InfoContext(r.Context(), "a stream ended early", "request_id", answer.RequestID(r.Context()), "err", err)
		}
		return nil
	}
}

// livePage returns what a stream sends: at each round the panels that changed since the last one.
func (s *Server) livePage(r *http.Request, questions []Question) live.Page {
	opened := time.Now()
	seen, away, checked := onPage(r, questions), time.Time{}, opened
	return live.Page{
		Allowed: func(ctx context.Context) error {
			if time.Since(checked) < rightsEvery {
				return nil
			}
			checked = time.Now()
			person, err := s.Identity.Person(ctx, r)
			if answer.DatabaseAway(err) {
				return nil // the page stays and says that the database is away
			}
			if err == nil && person.Role == None {
				return &answer.Error{Status: http.StatusNotFound}
			}
			return err
		},
		Now: func(context.Context) (templ.Component, error) {
			changed, since := s.refresher.changed(questions, seen, opened)
			var parts []templ.Component
			if since != away {
				away = since
				parts = append(parts, view.Away(away))
			}
			v := s.viewer(r)
			for i, q := range questions {
				if reading, ok := changed[i]; ok {
					parts = append(parts, section(q, reading, v))
				}
			}
			if len(parts) == 0 {
				return nil, nil
			}
			return view.Plain(templ.Join(parts...)), nil
		},
	}
}

// onPage returns the versions of the panels that the browser has already, which it names in the order of the page.
func onPage(r *http.Request, questions []Question) map[string]string {
	seen := map[string]string{}
	for pair := range strings.SplitSeq(r.URL.Query().Get("have"), ",") {
		if id, version, ok := strings.Cut(pair, "~"); ok && len(seen) < len(questions) {
			seen[id] = version
		}
	}
	return seen
}
