package console

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
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
	list := []surface.Suggestion{}
	err = s.asker.read(r.Context(), func(tx pgx.Tx) (err error) {
		list, err = surface.Suggest(r.Context(), tx, values.Get("q"), at)
		return err
	})
	if err != nil && !late(err) {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	return json.NewEncoder(w).Encode(list)
}

// export answers with the jobs that match as a CSV file, at most as many as surface.CSV writes.
func (s *Server) export(w http.ResponseWriter, r *http.Request) error {
	f, err := surface.ParseSearch(r.URL.Query().Get("q"))
	if wrong, ok := errors.AsType[*surface.SearchError](err); ok {
		return &answer.Error{Status: http.StatusUnprocessableEntity, Headline: "That search cannot be read", Sentence: wrong.Error()}
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="jobs.csv"`)
	w.Header().Set("Cache-Control", "no-store")
	if _, _, err := f.CSV(r.Context(), s.Pool, w, shownColumns(r.URL.Query())); err != nil {
		s.Log.WarnContext(r.Context(), "an export ended early", "err", err) // the status is sent
	}
	return nil
}

// saveView saves the search under a name.
func saveView(ctx context.Context, tx pgx.Tx, form url.Values, by surface.By) (string, error) {
	v := surface.SavedView{Name: form.Get("name"), Search: form.Get("q"), Columns: form["col"], Shared: form.Get("shared") != ""}
	if _, err := v.Save(ctx, tx, by); err != nil {
		if wrong, ok := errors.AsType[*surface.SearchError](err); ok {
			err = &surface.Refusal{Sentence: wrong.Error(), BadValue: true}
		}
		return "", err
	}
	return view.Jobs(form.Get("q")), nil
}

// deleteView deletes a saved search of the person.
func deleteView(ctx context.Context, tx pgx.Tx, form url.Values, by surface.By) (string, error) {
	id, err := strconv.ParseInt(form.Get("view"), 10, 64)
	if err != nil {
		return "", &surface.Refusal{Sentence: "There is no such saved search.", BadValue: true}
	}
	return localPath(form.Get("back")), surface.DeleteView(ctx, tx, id, by)
}
