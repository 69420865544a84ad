package console

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"
	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/surface"
	view "github.com/backlist/backlist/views/console"
)

// pageOfJobs is how many jobs a page of the list shows.
const pageOfJobs = 50

// listed is a row of the list: a job, and its place in the search.
type listed struct {
	view.Job
	surface.Place
}

// jobsList returns the question for a page of the jobs that match. Each filter has a statement of its own.
func jobsList(f surface.Filter, after string, columns []string) (Question, error) {
	sql, args, err := f.List(selected(columns), after, pageOfJobs)
	if err != nil {
		return Question{}, err
	}
	p := NewPanel("jobs.list", "Jobs", "", func(rows []listed, v view.Viewer) templ.Component {
		return listOf(f, after, columns, rows).Body(v)
	})
	p.read = func(rows pgx.Rows) (any, error) { return pgx.CollectRows(rows, readListed) }
	p.TooLong = "The search took too long and was ended, so that the site stays fast. Add a state, a kind, a queue or a time, or take out what has no index: a part of an error’s text, a tag, a release. Its statement (SQL) runs in psql without a limit."
	q := withPlaces(p, sql, args)
	// A range of times, or a page further on, may be a small part of the jobs: a plan that knows it reads no others.
	q.Replan = after != "" || !f.Until.IsZero()
	return q, nil
}

// selected returns the expressions for the columns. Time values written by SQL may be infinite, and texts of a megabyte long.
func selected(columns []string) string {
	list := []string{
		"job.id", "state::text", "kind", "queue", "priority", "attempt", "max_attempts",
		finite("enqueued_at"), finite("scheduled_at"), finite("started_at"), finite("finished_at"),
		"wait", "run", "worker", "release", "request_id", "waiting",
	}
	for _, c := range []struct{ column, expression string }{
		{"why", "left(last_error, 300) as last_error"},
		{"why", "why_waiting"},
		{"why", "left(progress_note, 300) as progress_note"},
		{"last_error", "left(last_error, 300) as last_error"},
		{"tags", "tags"},
		{"args", "left(args::text, 300) as args"},
	} {
		if slices.Contains(columns, c.column) && !slices.Contains(list, c.expression) {
			list = append(list, c.expression)
		}
	}
	return strings.Join(list, ", ")
}

func finite(column string) string {
	return "case when isfinite(" + column + ") then " + column + " end as " + column
}

// readListed reads a row. The only row of an empty list has no job, but says how far the search has looked.
func readListed(row pgx.CollectableRow) (l listed, err error) {
	if columns := row.RawValues(); columns[0] == nil {
		reached := make([]any, len(columns)) // a nil skips its column
		reached[len(columns)-1] = &l.Reached
		return l, row.Scan(reached...)
	}
	return pgx.RowToStructByNameLax[listed](row) // columns that are not shown are not read
}

// listOf returns the list with where it goes on.
func listOf(f surface.Filter, after string, columns []string, rows []listed) view.JobList {
	d := view.JobList{Columns: columns, First: after != "", All: !f.Narrows(), Wider: wider(f)}
	if len(f.Kinds) == 1 {
		d.Kind = f.Kinds[0]
	}
	places := make([]surface.Place, len(rows))
	for i, row := range rows {
		places[i] = row.Place
	}
	shown, next, reached, err := surface.NextPage(after, pageOfJobs, places)
	if err != nil { // the statement has read the same cursor
		panic("console: " + err.Error())
	}
	d.Next = next
	for _, row := range rows[:shown] {
		d.Jobs = append(d.Jobs, row.Job)
	}
	for _, x := range reached {
		d.Reached = append(d.Reached, view.Reach{State: x.State, Jobs: int64(x.Jobs), At: x.At})
	}
	return d
}

// jobsCount returns the question for the number of jobs that match.
func jobsCount(f surface.Filter) Question {
	sql, args := f.CountQuery()
	p := NewPanel("jobs.count", "Number of jobs", "", func(rows []view.JobCount, _ view.Viewer) templ.Component {
		return rows[0].Body(surface.MostCounted)
	})
	p.TooLong = "Counting …"
	q := withPlaces(p, sql, args)
	q.Later = !f.Indexed()
	return q
}

// placeholder is a numbered parameter of a statement.
var placeholder = regexp.MustCompile(`\$(\d+)`)

// withPlaces returns the question of a panel whose statement has numbered parameters.
func withPlaces(p *Panel, sql string, args []any) Question {
	p.SQL = placeholder.ReplaceAllString(sql, "@a$1")
	named := pgx.NamedArgs{}
	for i, value := range args {
		named["a"+strconv.Itoa(i+1)] = value
	}
	q := p.Ask(named)
	q.Filtered = true
	return q
}
