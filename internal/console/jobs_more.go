package console

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/answer"
	"github.com/backlist/backlist/internal/surface"
	view "github.com/backlist/backlist/views/console"
)

// suggest answers with completions of the search line at the cursor, as JSON.
func (s *Server) suggest(w http.ResponseWriter, r *http.Request) error {
	values := r.URL.Query()
	at, err := strconv.Atoi(values.Get("at"))
	if err != nil {
		at = len(values.Get("q"))
	}
	var list []surface.Suggestion
	err = s.asker.read(r.Context(), func(tx pgx.Tx) (err error) {
		list, err = surface.Suggest(r.Context(), tx, values.Get("q"), at)
		return err
	})
	if err != nil && !late(err) {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	return json.NewEncoder(w).Encode(append([]surface.Suggestion{}, list...)) // never null
}

// export answers with the jobs that match as a CSV file, at most as many as surface.CSV writes.
func (s *Server) export(w http.ResponseWriter, r *http.Request) error {
	f, err := surface.ParseSearch(r.URL.Query().Get("q"))
	if wrong, ok := errors.AsType[*surface.SearchError](err); ok {
		return &answer.Error{Status: http.StatusUnprocessableEntity, Headline: "That search cannot be read", Sentence: wrong.Error()}
	}
	select {
	case s.exports <- struct{}{}:
		defer func() { <-s.exports }()
	default:
		return busy("Another export is running.", "Exports take turns, so that the site keeps its connections to the database. Try again in a minute.")
	}
	file := &attachment{ResponseWriter: w}
	_, _, err = f.CSV(r.Context(), s.Pool, file, exportedColumns(shownColumns(r.URL.Query())))
	switch {
	case err == nil:
	case file.begun: // the status is sent: only a broken connection tells that the file is not whole
		s.Log.WarnContext(r.Context(), "an export ended early", "err", err)
		panic(http.ErrAbortHandler)
	case late(err), errors.Is(err, context.DeadlineExceeded):
		return narrower("The export took longer than a minute.", "Go back and add a state, a kind, a queue or a time.")
	}
	return err
}

func busy(sentence, advice string) error {
	return &answer.Error{Status: http.StatusServiceUnavailable, Headline: "One at a time", Sentence: sentence, Advice: advice, RetryAfter: 10}
}

// attachment is a CSV file as an answer. Its headers are set once there is something to write, so that an error before that is
// a page.
type attachment struct {
	http.ResponseWriter
	begun bool
}

func (a *attachment) Write(data []byte) (int, error) {
	if !a.begun {
		a.begun = true
		a.Header().Set("Content-Type", "text/csv; charset=utf-8")
		a.Header().Set("Content-Disposition", `attachment; filename="jobs.csv"`)
		a.Header().Set("Cache-Control", "no-store")
	}
	return a.ResponseWriter.Write(data)
}

// exportedColumns returns the columns of jobs.job behind those of the list.
func exportedColumns(shown []string) []string {
	list := []string{"id"}
	add := func(columns ...string) {
		for _, c := range columns {
			if !slices.Contains(list, c) {
				list = append(list, c)
			}
		}
	}
	for _, c := range shown {
		switch c {
		case "when":
			add("enqueued_at", "scheduled_at", "started_at", "finished_at")
		case "why":
			add("waiting", "why_waiting", "last_error")
		case "attempt":
			add("attempt", "max_attempts")
		default:
			add(c)
		}
	}
	return list
}

// saveView saves the search under a name.
func saveView(ctx context.Context, tx pgx.Tx, form url.Values, by surface.By) (string, error) {
	v := surface.SavedView{Name: form.Get("name"), Search: form.Get("q"), Columns: form["col"], Shared: form.Get("shared") != ""}
	_, err := v.Save(ctx, tx, by)
	return view.Jobs(form.Get("q")), err
}

// deleteView deletes a saved search of the person.
func deleteView(ctx context.Context, tx pgx.Tx, form url.Values, by surface.By) (string, error) {
	id, err := strconv.ParseInt(form.Get("view"), 10, 64)
	if err != nil {
		return "", &surface.Refusal{Sentence: "There is no such saved search.", BadValue: true}
	}
	return localPath(form.Get("back")), surface.DeleteView(ctx, tx, id, by)
}
