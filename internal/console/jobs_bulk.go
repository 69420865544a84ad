package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/answer"
	"github.com/backlist/backlist/internal/bulk"
	"github.com/backlist/backlist/internal/surface"
	view "github.com/backlist/backlist/views/console"
)

var bulkActs = NewPanel("jobs.bulk", "Bulk acts", `
select id, act, search, reason, who, state, matches, expected, done, changed, unchanged, codes, share, error, undoes, undone_by,
       case when undo_until > now() or state = 'running' then undo_until end as undo_until, created_at, finished_at
from jobs.bulk
where finished_at is null or finished_at > now() - interval '1 day'
order by finished_at is not null, id desc
limit 10`, view.BulkActs)

// preview answers with what an act would do to the ticked jobs, or to all that match.
func (s *Server) preview(w http.ResponseWriter, r *http.Request) error {
	values := r.URL.Query()
	d := view.Plan{Act: values.Get("act"), List: values.Get("q"), Line: values.Get("q")}
	if ticked := values["id"]; values.Get("all") == "" {
		if len(ticked) == 0 {
			return &answer.Error{
				Status: http.StatusUnprocessableEntity, Headline: "No job is ticked",
				Sentence: "Tick the jobs to act on, or choose all that match. Nothing was changed.",
			}
		}
		d.Line = "id:" + strings.Join(ticked[:min(len(ticked), pageOfJobs)], ",")
	}
	return s.plan(w, r, http.StatusOK, d)
}

// plan previews an act and shows the form that starts it.
func (s *Server) plan(w http.ResponseWriter, r *http.Request, status int, d view.Plan) error {
	act, ok := surface.JobAct(d.Act)
	if !ok {
		return &answer.Error{Status: http.StatusUnprocessableEntity, Headline: "Choose an act", Sentence: "There is no such act on jobs. Nothing was changed."}
	}
	var p bulk.Plan
	err := pgx.BeginTxFunc(r.Context(), s.Pool, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) (err error) {
		p, err = bulk.Preview(r.Context(), tx, d.Act, d.Line)
		return err
	})
	if wrong, ok := errors.AsType[*surface.SearchError](err); ok {
		return &answer.Error{Status: http.StatusUnprocessableEntity, Headline: "That search cannot be read", Sentence: wrong.Error()}
	}
	if refused, ok := errors.AsType[*surface.Refusal](err); ok {
		return refusal(refused, "")
	}
	if err != nil && !answer.DatabaseAway(err) && r.Context().Err() == nil {
		return &answer.Error{Status: http.StatusUnprocessableEntity, Headline: "Say which jobs", Sentence: "The act needs a search that leaves some jobs out: " + err.Error() + ".", Err: err}
	}
	if err != nil {
		return err
	}
	d.Name, d.Search, d.Highest, d.Matches, d.More, d.Judged = act.Name, p.Search, p.HighestID, p.Matches, p.More, p.Judged
	d.Deletes, d.Snoozes = act.Name == "delete", act.Name == "snooze"
	for _, x := range p.Samples {
		d.Samples = append(d.Samples, view.Sample{ID: x.ID, Kind: x.Kind, Queue: x.Queue, State: x.State, Attempt: x.Attempt, MaxAttempts: x.MaxAttempts, LastError: x.LastError})
	}
	for _, x := range p.Left {
		d.Left = append(d.Left, view.Left{Code: x.Code, Jobs: x.Jobs, ID: x.ID, Note: x.Note})
	}
	f := s.blankFrame(r, "Before you "+strings.ReplaceAll(act.Name, "-", " "))
	f.Nav, f.Purpose = "jobs", "What the act would change. Nothing has happened yet."
	return s.render(w, r, status, f, d.Body())
}

// startBulk starts a previewed act.
func startBulk(ctx context.Context, tx pgx.Tx, form url.Values, by surface.By) (string, error) {
	highest, err := strconv.ParseInt(form.Get("highest"), 10, 64)
	matches, err2 := strconv.ParseInt(form.Get("matches"), 10, 64)
	if err != nil || err2 != nil {
		return "", &surface.Refusal{Sentence: "The form was incomplete.", BadValue: true}
	}
	p := bulk.Plan{Act: form.Get("act"), Search: form.Get("search"), HighestID: highest, Matches: matches, More: form.Get("more") != ""}
	if p.Act == "delete" && form.Get("sure") == "" {
		return "", &surface.Refusal{Sentence: "Deleting has no undo: tick that you are sure.", BadValue: true}
	}
	if form.Get("until") != "" {
		by.Until = form.Get("until")
	}
	if _, err := p.Start(ctx, tx, by); err != nil {
		if wrong, ok := errors.AsType[*surface.SearchError](err); ok {
			err = &surface.Refusal{Sentence: wrong.Error(), BadValue: true}
		}
		return "", err
	}
	return view.Jobs(form.Get("list")), nil
}

// bulkAct returns what cancels, undoes or confirms a bulk act.
func bulkAct(do func(ctx context.Context, tx pgx.Tx, id int64, form url.Values, by surface.By) error) acting {
	return func(ctx context.Context, tx pgx.Tx, form url.Values, by surface.By) (string, error) {
		id, err := strconv.ParseInt(form.Get("bulk"), 10, 64)
		if err != nil {
			return "", &surface.Refusal{Sentence: "There is no such bulk act.", BadValue: true}
		}
		return localPath(form.Get("back")), do(ctx, tx, id, form, by)
	}
}

func cancelBulk(ctx context.Context, tx pgx.Tx, id int64, _ url.Values, by surface.By) error {
	return bulk.Cancel(ctx, tx, id, by)
}

func undoBulk(ctx context.Context, tx pgx.Tx, id int64, _ url.Values, by surface.By) error {
	_, err := bulk.Undo(ctx, tx, id, by)
	return err
}

func confirmBulk(ctx context.Context, tx pgx.Tx, id int64, form url.Values, by surface.By) error {
	matches, err := strconv.ParseInt(form.Get("matches"), 10, 64)
	if err != nil {
		return &surface.Refusal{Sentence: "The form was incomplete.", BadValue: true}
	}
	return bulk.Confirm(ctx, tx, id, matches, by)
}
