package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/a-h/templ"
	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/surface"
	"github.com/backlist/backlist/internal/work/args"
	view "github.com/backlist/backlist/views/console"
)

const copySQL = `
select j.id, j.kind, octet_length(a.args)::bigint as bytes, case when octet_length(a.args) <= 20000 then a.args else '' end as args,
       coalesce(k.args_schema::text, '') as args_schema, coalesce(k.marks_secrets, false) as marks_secrets
from jobs.job j
cross join lateral (select j.args::text as args offset 0) a
left join jobs.kind_args k on k.kind = j.kind
where j.id = @id::bigint`

// copyPage is a page of its own because a live panel could change under what is typed.
func (s *Server) copyPage() *Page {
	return &Page{
		Path: "/jobs/{id}/copy", Nav: "jobs", Title: "Copy a job", Still: true,
		Purpose: "Enqueue a job again, with other arguments.",
		Ask: func(r *http.Request) (Asked, error) {
			id, err := jobID(r.Context())
			if err != nil {
				return Asked{}, err
			}
			typed := view.Typed{Problems: problemsOf(r)}
			if r.Method == http.MethodPost {
				typed.Sent, typed.Args, typed.Reason = true, r.PostForm.Get("args"), r.PostForm.Get("reason")
			}
			panel := NewPanel("job.copy", "Arguments of the copy", copySQL, func(rows []view.CopyRow, v view.Viewer) templ.Component {
				return view.CopyForm(rows, typed, v)
			})
			q := panel.Ask(pgx.NamedArgs{"id": id})
			q.Filtered, q.Required = true, true
			asked := Asked{Title: "Copy job " + strconv.FormatInt(id, 10), Questions: []Question{q}}
			if len(typed.Problems) > 0 {
				asked.Status = http.StatusUnprocessableEntity
			}
			return asked, nil
		},
	}
}

// copyJob enqueues the job of the address again, with the arguments that were typed.
func (s *Server) copyJob(ctx context.Context, tx pgx.Tx, form url.Values, by surface.By) (string, error) {
	id, err := jobID(ctx)
	if err != nil {
		return "", err
	}
	rows, err := tx.Query(ctx, copySQL, pgx.NamedArgs{"id": id})
	if err != nil {
		return "", err
	}
	source, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[view.CopyRow])
	if errors.Is(err, pgx.ErrNoRows) {
		return "", &surface.Refusal{Sentence: fmt.Sprintf("There is no job %d: it may have been deleted.", id)}
	}
	if err != nil {
		return "", err
	}
	changes, problems := "{}", []string(nil)
	if form.Has("args") {
		changes, problems = source.Changes(form.Get("args"))
	}
	if len(problems) == 0 && changes != "{}" {
		problems, err = faults(ctx, tx, source, changes)
	}
	if err != nil {
		return "", err
	}
	if len(problems) > 0 {
		return "", &again{s.copyPage(), problems}
	}
	copied, duplicate, err := surface.Copy(ctx, tx, id, changes, by)
	refused, isRefusal := errors.AsType[*surface.Refusal](err)
	switch {
	case isRefusal:
		return "", &again{s.copyPage(), []string{refused.Sentence}}
	case err != nil:
		return "", err
	case duplicate:
		return "", &again{s.copyPage(), []string{fmt.Sprintf("Nothing was enqueued: job %d has the same unique key and is not finished.", copied)}}
	}
	return view.JobURL(copied), nil
}

// faults compares the arguments that the copy would have with the schema of its kind. Hidden values are not compared.
func faults(ctx context.Context, tx pgx.Tx, source view.CopyRow, changes string) (sentences []string, err error) {
	merged, err := surface.Merged(ctx, tx, source.Args, changes)
	if surface.IsBadValue(err) {
		return []string{err.Error()}, nil
	}
	if err != nil {
		return nil, err
	}
	found, err := args.Check([]byte(source.ArgsSchema), []byte(merged))
	if err != nil {
		return nil, fmt.Errorf("schema of kind %s: %w", source.Kind, err)
	}
	hidden := view.HiddenPaths(merged)
	for _, f := range found {
		if !hidden[f.Path] {
			sentences = append(sentences, f.Text)
		}
	}
	return sentences, nil
}
