package console

import (
	"cmp"
	"context"
	"net/http"
	"reflect"
	"slices"

	"github.com/a-h/templ"

	"github.com/backlist/backlist/internal/answer"
	view "github.com/backlist/backlist/views/console"
)

// Page is a page of the console.
type Page struct {
	Path    string // its pattern below /console, as in /jobs/{id}
	Nav     string // the entry of the menu that it belongs to
	Title   string
	Purpose string // one line that says what the page is for
	Charts  bool   // whether it needs the script that draws charts
	Still   bool   // it is not kept current, because it has a form in which much is typed

	// Ask returns the panels that the page shows for a request. It makes no query.
	Ask func(r *http.Request) (Asked, error)
}

// Asked is a page for one request.
type Asked struct {
	Title     string // instead of the page's, as in Job 4711; may be empty
	Status    int    // 0: 200
	Questions []Question
	// Draw arranges the panels, which it gets by their ids; nil: one below the other.
	Draw func(panel func(id string) templ.Component, v view.Viewer) templ.Component

	notices []Question // what was just done: above the rest
}

// ask returns the page for a request, with the notices of what was just done.
func (p *Page) ask(r *http.Request) (Asked, error) {
	asked, err := p.Ask(r)
	asked.notices = notices(r)
	return asked, err
}

func (a Asked) all() []Question { return slices.Concat(a.notices, a.Questions) }

// show answers with the page.
func (s *Server) show(p *Page) answer.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		asked, err := p.ask(r)
		if err != nil {
			return err
		}
		if id := r.URL.Query().Get("sql"); id != "" {
			return s.statement(w, r, p, asked, id)
		}
		readings, err := s.readings(r.Context(), asked.all(), len(asked.notices) > 0)
		if err != nil {
			return err
		}
		main := s.draw(r, asked, readings)
		return s.render(w, r, cmp.Or(asked.Status, http.StatusOK), s.frame(r, p, asked), main)
	}
}

// readings answers the questions, from the refresher where it has current ones, unless the page must show what was just done. It
// fails if the database is away or a required question has no rows.
func (s *Server) readings(ctx context.Context, questions []Question, acted bool) ([]Reading, error) {
	list := make([]Reading, len(questions))
	var open []Question
	var places []int
	for i, q := range questions {
		reading, current := s.refresher.current(q)
		switch {
		case current && !acted:
			list[i] = reading
		case !q.Later:
			open, places = append(open, q), append(places, i)
		}
	}
	for i, reading := range s.asker.ask(ctx, open) {
		list[places[i]] = reading
		s.refresher.keep(open[i], reading)
	}
	for i, q := range questions {
		switch err := list[i].Err; {
		case err == nil:
			if q.Required && reflect.ValueOf(list[i].Rows).Len() == 0 {
				return nil, &answer.Error{Status: http.StatusNotFound}
			}
		case late(err): // the panel says so
		case answer.DatabaseAway(err), ctx.Err() != nil:
			return nil, err
		default:
			s.Log.ErrorContext(ctx, "a panel failed", "panel", q.ID, "err", err)
		}
	}
	return list, nil
}

// draw returns the page's main part.
func (s *Server) draw(r *http.Request, asked Asked, readings []Reading) templ.Component {
	v := s.viewer(r)
	panels := map[string]templ.Component{}
	var parts []templ.Component
	for i, q := range asked.all() {
		panels[q.ID] = section(q, readings[i], v)
		parts = append(parts, panels[q.ID])
	}
	if asked.Draw != nil {
		parts = append(parts[:len(asked.notices)], asked.Draw(func(id string) templ.Component { return panels[id] }, v))
	}
	return view.Stack(parts)
}

// section draws a panel: its rows, or that they are not there yet, and how old they are if the latest try failed.
func section(q Question, r Reading, v view.Viewer) templ.Component {
	d := view.Panel{ID: q.ID, Title: q.Title, Version: r.version(), Statement: v.With("sql", q.ID)}
	if r.Err != nil {
		d.Stale, d.Late, d.AsOf = true, late(r.Err), r.At
	}
	switch {
	case r.Rows == nil && (q.Later || late(r.Err)) && q.TooLong != "":
		return d.Section(view.TooLong(q.TooLong))
	case r.Rows == nil:
		return d.Section(view.Unread())
	}
	return d.Section(q.draw(r.Rows, v))
}
