package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/answer"
	"github.com/backlist/backlist/internal/bulk"
	"github.com/backlist/backlist/internal/surface"
	view "github.com/backlist/backlist/views/console"
)

var bulkActs = NewPanel("jobs.bulk", "Bulk acts", `
select id, act, search, reason, who, state, matches, expected, done, changed, unchanged, codes, share, error, undoes, undone_by,
       case when undo_until > now() then undo_until end as undo_until, created_at, finished_at
from jobs.bulk
where finished_at is null or finished_at > now() - interval '1 day'
order by finished_at is not null, id desc
limit 10`, view.BulkActs)

// previewAtMost is how long a preview may search.
const previewAtMost = 5 * time.Second

// preview answers with what an act would do to the ticked jobs, or to all that match.
func (s *Server) preview(w http.ResponseWriter, r *http.Request) error {
	values := r.URL.Query()
	d := view.Plan{List: values.Get("q"), Line: values.Get("q")}
	if ticked := values["job"]; values.Get("all") == "" {
		if len(ticked) == 0 {
			return &answer.Error{
				Status: http.StatusUnprocessableEntity, Headline: "No job is ticked",
				Sentence: "Tick the jobs to act on, or choose all that match. Nothing was changed.",
				Advice:   "Go back to the list.",
			}
		}
		// With every state, so that the preview says why it leaves some of them alone.
		d.Line = "id:" + strings.Join(ticked[:min(len(ticked), pageOfJobs)], ",") + " state:" + strings.Join(jobStates(), ",")
	}
	act, err := surface.ActNamed(values.Get("act"))
	if err != nil || act.On != "jobs" {
		return &answer.Error{Status: http.StatusUnprocessableEntity, Headline: "Choose an act", Sentence: "There is no such act on jobs. Nothing was changed.", Advice: "Go back to the list."}
	}
	p, err := s.planned(r.Context(), act, d.Line)
	if err != nil {
		return err
	}
	d.Act, d.Name, d.Search, d.Highest, d.Matches, d.More, d.Judged = p.Act, act.Name, p.Search, p.HighestID, p.Matches, p.More, p.Judged
	for _, x := range p.Samples {
		d.Samples = append(d.Samples, view.Sample{ID: x.ID, Kind: x.Kind, Queue: x.Queue, State: x.State, Attempt: x.Attempt, MaxAttempts: x.MaxAttempts, LastError: x.LastError})
	}
	for _, x := range p.Left {
		d.Left = append(d.Left, view.Left{Code: x.Code, Jobs: x.Jobs, ID: x.ID, Note: x.Note})
	}
	f := s.blankFrame(r, "Before you "+strings.ReplaceAll(act.Name, "-", " "))
	f.Nav, f.Purpose = "jobs", "What the act would change. Nothing has happened yet."
	return s.render(w, r, http.StatusOK, f, d.Body())
}

// planned previews an act on the jobs that match the line, within a limit. An error is one for people.
func (s *Server) planned(ctx context.Context, act surface.Act, line string) (p bulk.Plan, err error) {
	f, err := surface.ParseSearch(line)
	switch wrong, ok := errors.AsType[*surface.SearchError](err); {
	case ok:
		return p, &answer.Error{Status: http.StatusUnprocessableEntity, Headline: "That search cannot be read", Sentence: wrong.Error(), Advice: "Go back to the list and correct it."}
	case err == nil && !f.Narrows():
		return p, narrower("That would be every job there is.", "Go back and say which: a state, a kind, a queue.")
	case err == nil && len(f.States)+len(act.States) == 0:
		return p, narrower("This act applies to jobs in any state, so the search has to say which.", "Go back and choose a state, as in state:discarded.")
	}
	limited, cancel := context.WithTimeout(ctx, previewAtMost)
	defer cancel()
	select {
	case s.previews <- struct{}{}:
		defer func() { <-s.previews }()
	case <-limited.Done():
		return p, busy("Others are choosing jobs for acts just now. Nothing was changed.", "Previews take turns, so that the site keeps its connections to the database. Try again in a moment.")
	}
	err = pgx.BeginTxFunc(limited, s.Pool, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) (err error) {
		if _, err := tx.Exec(limited, "select set_config('statement_timeout', $1, true)", fmt.Sprint(previewAtMost.Milliseconds()*4/5)); err != nil {
			return err
		}
		p, err = bulk.Preview(limited, tx, act.Function(), line)
		return err
	})
	if late(err) || err != nil && ctx.Err() == nil && limited.Err() != nil {
		return p, narrower("Counting what matches took longer than we allow. Nothing was changed.", "Go back and add a state, a kind, a queue or a time: those have an index.")
	}
	return p, refusal(err)
}

func narrower(sentence, advice string) error {
	return &answer.Error{Status: http.StatusUnprocessableEntity, Headline: "Say which jobs", Sentence: sentence, Advice: advice}
}

// startBulk starts a previewed act.
func startBulk(ctx context.Context, tx pgx.Tx, form url.Values, by surface.By) (string, error) {
	highest, err := strconv.ParseInt(form.Get("highest"), 10, 64)
	matches, err2 := strconv.ParseInt(form.Get("number"), 10, 64)
	if err != nil || err2 != nil {
		return "", &surface.Refusal{Sentence: "The form was incomplete.", BadValue: true}
	}
	p := bulk.Plan{Act: form.Get("act"), Search: form.Get("search"), HighestID: highest, Matches: matches, More: form.Get("more") != ""}
	if p.Act == "delete" && form.Get("sure") == "" {
		return "", &surface.Refusal{Sentence: "Deleting has no undo: tick that you are sure.", BadValue: true}
	}
	if p.Act == "snooze" {
		if err := setSnooze(&by, form); err != nil {
			return "", err
		}
	}
	if _, err := p.Start(ctx, tx, by); err != nil {
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
	matches, err := strconv.ParseInt(form.Get("number"), 10, 64)
	if err != nil {
		return &surface.Refusal{Sentence: "The form was incomplete.", BadValue: true}
	}
	return bulk.Confirm(ctx, tx, id, matches, by)
}
