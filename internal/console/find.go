package console

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	view "github.com/backlist/backlist/views/console"
)

// namedSQL returns the things whose name contains a text, those that begin with it first.
const namedSQL = `
select what, name, label from (
	select what, name, name as label from jobs.name
	union all
	select 'worker', worker, coalesce(nullif(process, ''), worker) from jobs.worker where alive
	union all
	(select 'error', fingerprint, left(message, 120) from jobs.error order by last_seen_at desc limit 1000)) thing
where strpos(lower(label), lower(@text::text)) > 0 or name = @text::text
order by strpos(lower(label), lower(@text::text)) <> 1, length(label), label
limit 12`

// find answers with the places that a few letters name: pages, a job by its number, and things by their names.
func (s *Server) find(w http.ResponseWriter, r *http.Request) error {
	text := nameIn(r.URL.Query(), "q")
	found := places(text)
	if text != "" {
		things, err := s.thingsNamed(r.Context(), text)
		if err != nil {
			return err
		}
		for _, t := range things {
			found = append(found, view.Found{What: t.What, Text: t.Label, URL: t.URL()})
		}
	}
	f := s.blankFrame(r, "Find")
	f.Purpose = "Pages, jobs, queues, kinds, workers and errors by a few letters."
	return s.render(w, r, http.StatusOK, f, view.FindPage(text, found))
}

// nameIn returns the name, or part of a name, that an address has; empty if it cannot be one.
func nameIn(values url.Values, key string) string {
	name := strings.TrimSpace(values.Get(key))
	if len(name) > 200 || !utf8.ValidString(name) || strings.ContainsRune(name, 0) {
		return ""
	}
	return name
}

// thingsNamed returns the things whose name contains the text, or none if that takes too long.
func (s *Server) thingsNamed(ctx context.Context, text string) (things []view.Thing, err error) {
	err = s.asker.read(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, namedSQL, pgx.NamedArgs{"text": text})
		if err != nil {
			return err
		}
		things, err = pgx.CollectRows(rows, pgx.RowToStructByName[view.Thing])
		return err
	})
	if late(err) {
		return nil, nil
	}
	return things, err
}

// places returns a job by its number, and the pages whose name contains the text.
func places(text string) (found []view.Found) {
	if id, err := strconv.ParseInt(text, 10, 64); err == nil && id > 0 {
		found = append(found, view.Found{What: "job", Text: "Job " + text, URL: view.JobURL(id)})
	}
	for _, e := range view.Menu() {
		if strings.Contains(strings.ToLower(e.Text), strings.ToLower(text)) {
			found = append(found, view.Found{What: "page", Text: e.Text, URL: e.URL})
		}
	}
	return found
}
