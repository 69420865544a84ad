package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"
	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/surface"
	view "github.com/backlist/backlist/views/console"
)

const (
	// pageOfJobs is how many jobs a page of the list shows.
	pageOfJobs = 50
	// jobColumns are the columns of the list, whichever it shows, and the job's place in the search.
	jobColumns = `job.id, state::text, kind, queue, priority, attempt, max_attempts, least(greatest(enqueued_at, '0001-01-01'), '9999-12-31') as enqueued_at,
	least(greatest(scheduled_at, '0001-01-01'), '9999-12-31') as scheduled_at, started_at, finished_at, wait, run,
	worker, release, request_id, tags, left(last_error, 300) as last_error, waiting, why_waiting, progress::float8, progress_note, left(args::text, 300) as args,
	part, (job.finished_at at time zone 'UTC')::text as finished`
)

var jobsList = NewPanel("jobs.list", "Jobs", "", view.JobList)

var savedViews = NewPanel("jobs.views", "Saved searches", `
select id, name, owner, search, columns, shared, owner = @who::text as mine
from jobs.saved_views(@who::text)
order by owner <> @who::text, name
limit 50`, view.SavedViews)

// placeholder is a numbered parameter of a statement.
var placeholder = regexp.MustCompile(`\$(\d+)`)

// search returns the question for the jobs that match, with the statement of its own that the filter needs.
func search(f surface.Filter, after string) (Question, error) {
	sql, args, err := f.Query(jobColumns, after, pageOfJobs+1)
	if err != nil {
		return Question{}, err
	}
	panel, named := *jobsList, pgx.NamedArgs{}
	panel.SQL = placeholder.ReplaceAllString(sql, "@a$1")
	for i, value := range args {
		named["a"+strconv.Itoa(i+1)] = value
	}
	q := panel.Ask(named)
	q.Filtered = true
	return q, nil
}

func (s *Server) jobsPage() *Page {
	return &Page{
		Path: "/jobs", Nav: "jobs", Title: "Jobs",
		Purpose: "Find jobs, see why each is in its state, and act on some or on all that match.",
		Ask:     askJobs,
		Further: s.further,
	}
}

// askJobs returns the list for the search line in the address. A line that cannot be read keeps the form, and says what is wrong.
func askJobs(r *http.Request) (Asked, error) {
	values := r.URL.Query()
	line, after := values.Get("q"), values.Get("after")
	d := view.Search{Line: line, Columns: shownColumns(values)}
	f, err := surface.ParseSearch(line)
	if err == nil {
		d.States, d.Times, d.Quick = stateChips(f), timeChips(f), quickChips(f)
		var q Question
		if q, err = search(f, after); err == nil {
			return Asked{
				Questions: []Question{bulkActs.Ask(nil), savedViews.Ask(pgx.NamedArgs{"who": personOf(r.Context()).Name}), q},
				Draw: func(panel func(string) templ.Component, v view.Viewer) templ.Component {
					return d.Page(panel(savedViews.ID), panel(bulkActs.ID), panel(jobsList.ID), panel("further"), v)
				},
			}, nil
		}
	}
	wrong, ok := errors.AsType[*surface.SearchError](err)
	if !ok {
		return Asked{}, err
	}
	d.Problem = view.Problem{Sentence: wrong.Sentence, Instead: wrong.Instead, At: wrong.At, End: wrong.End}
	return Asked{Status: http.StatusUnprocessableEntity, Draw: func(_ func(string) templ.Component, v view.Viewer) templ.Component {
		return d.Page(nil, nil, nil, nil, v)
	}}, nil
}

// further says, below a page that is not full, how far the search has looked, and below a full one where the next page is.
func (s *Server) further(ctx context.Context, r *http.Request, readings map[string]Reading) (templ.Component, error) {
	list, asked := readings[jobsList.ID]
	if !asked {
		return templ.NopComponent, nil // the page says what is wrong with the search
	}
	jobs, _ := list.Rows.([]view.Job)
	values := r.URL.Query()
	f, err := surface.ParseSearch(values.Get("q"))
	if err != nil {
		return nil, err
	}
	d := view.Pages{First: values.Get("after") != ""}
	if len(jobs) > pageOfJobs {
		shown := make([]surface.Found, pageOfJobs)
		for i, j := range jobs[:pageOfJobs] {
			shown[i] = surface.Found{Part: j.Part, ID: j.ID, Finished: j.Finished}
		}
		d.Next, err = surface.Next(values.Get("after"), shown)
		return d.Nav(s.viewer(r)), err
	}
	if list.Err != nil {
		return d.Nav(s.viewer(r)), nil
	}
	var reached []surface.Reach
	connErr := s.asker.read(ctx, func(tx pgx.Tx) (err error) {
		d.Next, reached, err = f.Reach(ctx, tx, values.Get("after"))
		return err
	})
	if connErr != nil && !late(connErr) {
		return nil, connErr
	}
	for _, x := range reached {
		d.Reached = append(d.Reached, view.Reach{State: x.State, Jobs: int64(x.Jobs), At: x.At})
	}
	return d.Nav(s.viewer(r)), nil
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

// stateChips returns a chip for each state, which adds it to the search or takes it out.
func stateChips(f surface.Filter) (chips []view.Chip) {
	for _, k := range surface.Keys() {
		if k.Name != "state" {
			continue
		}
		for _, state := range k.Values {
			g, on := f, slices.Contains(f.States, state)
			if on {
				g.States = slices.DeleteFunc(slices.Clone(f.States), func(s string) bool { return s == state })
			} else {
				g.States = append(slices.Clone(f.States), state)
			}
			chips = append(chips, view.Chip{Text: state, Line: g.String(), On: on})
		}
	}
	return chips
}

// timeChips returns chips that bound the time.
func timeChips(f surface.Filter) (chips []view.Chip) {
	base := f
	base.Since = surface.Moment{}
	for _, since := range []string{"1h", "24h", "7d"} {
		line := strings.TrimSpace(base.String() + " since:" + since)
		on := strings.Contains(" "+f.String()+" ", " since:"+since+" ")
		if on {
			line = base.String()
		}
		chips = append(chips, view.Chip{Text: "last " + since, Line: line, On: on})
	}
	return chips
}

// quickChips returns searches that are often needed.
func quickChips(f surface.Filter) (chips []view.Chip) {
	for _, word := range []struct{ text, line string }{
		{"paused", "waiting:paused"}, {"backing off", "waiting:backing_off"}, {"no worker", "waiting:no_worker,no_worker_for_kind,no_worker_for_queue"}, {"with an error", "has:error"},
	} {
		chips = append(chips, view.Chip{Text: word.text, Line: word.line, On: f.String() == word.line})
	}
	return chips
}
