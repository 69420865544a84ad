package console

import (
	"errors"
	"net/http"
	"net/url"
	"slices"

	"github.com/a-h/templ"
	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/surface"
	view "github.com/backlist/backlist/views/console"
)

var savedViews = NewPanel("jobs.views", "Saved searches", `
select id, name, owner, search, columns, shared, owner = @who::text as mine
from jobs.saved_views(@who::text)
order by owner <> @who::text, name
limit 50`, view.SavedViews)

func (s *Server) jobsPage() *Page {
	return &Page{
		Path: "/jobs", Nav: "jobs", Title: "Jobs",
		Purpose: "Find jobs, see why each is in its state, and act on some or on all that match.",
		Ask:     askJobs,
	}
}

// askJobs returns the list for the search line in the address. A line that cannot be read keeps the form, and says what is wrong.
func askJobs(r *http.Request) (Asked, error) {
	values := r.URL.Query()
	d := view.Search{Line: values.Get("q"), Columns: shownColumns(values), Keys: searchKeys(), Exported: surface.MostExported}
	f, err := surface.ParseSearch(d.Line)
	var list Question
	if err == nil {
		d.All = !f.Narrows()
		d.States, d.Times, d.Quick, d.Acts = stateChips(f), timeChips(f), quickChips(f), actsOn(f)
		list, err = jobsList(f, values.Get("after"), d.Columns)
	}
	wrong, isWrong := errors.AsType[*surface.SearchError](err)
	switch {
	case isWrong:
		d.Problem = view.Problem{Sentence: wrong.Sentence, Instead: wrong.Instead, At: wrong.At, End: wrong.End}
		return Asked{Status: http.StatusUnprocessableEntity, Draw: func(_ func(string) templ.Component, v view.Viewer) templ.Component {
			return d.Page(nil, nil, nil, nil, v)
		}}, nil
	case err != nil:
		return Asked{}, err
	}
	number := jobsCount(f)
	return Asked{
		Questions: []Question{bulkActs.Ask(nil), savedViews.Ask(pgx.NamedArgs{"who": personOf(r.Context()).Name}), list, number},
		Draw: func(panel func(string) templ.Component, v view.Viewer) templ.Component {
			return d.Page(panel(savedViews.ID), panel(bulkActs.ID), panel(number.ID), panel(list.ID), v)
		},
	}, nil
}

// shownColumns returns the columns that the address names, or the usual ones.
func shownColumns(values url.Values) []string {
	var list []string
	for _, c := range values["col"] {
		if slices.Contains(view.JobColumns(), c) && !slices.Contains(list, c) {
			list = append(list, c)
		}
	}
	if len(list) == 0 {
		return view.UsualColumns()
	}
	return list
}

func searchKeys() (list []view.SearchKey) {
	for _, k := range surface.Keys() {
		list = append(list, view.SearchKey{Help: k.Help, Example: k.Example})
	}
	return list
}

// actsOn returns the acts that apply to jobs in the filter's states.
func actsOn(f surface.Filter) (list []view.ListAct) {
	for _, a := range surface.Acts() {
		applies := len(a.States) == 0 || len(f.States) == 0 || slices.ContainsFunc(a.States, func(state string) bool { return slices.Contains(f.States, state) })
		if a.On == "jobs" && applies {
			list = append(list, view.ListAct{Name: a.Name, Help: a.Help})
		}
	}
	return list
}
