package console

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/surface"
	view "github.com/backlist/backlist/views/console"
)

var scaledTypes = NewPanel("scale.types", "Process types", `
select process_type, mode, max_wait, min, max, quantity, want, draining, sentence, problem, hours, budget, running, decided_at, set_at, set_by
from jobs.scale
order by process_type
limit 100`, view.ScaledTypes)

var scaleDecisions = NewPanel("scale.decisions", "Decisions", `
select id, at, process_type, mode, code, sentence, present, want, bound, quantity, answer
from jobs.scale_decision
order by id desc
limit 100`, view.ScaleDecisions)

func (s *Server) scalePage() *Page {
	return &Page{
		Path: "/scale", Nav: "scale", Title: "Scale",
		Purpose: "How many workers should run, so that jobs start in time: what is decided, and why.",
		Ask: func(*http.Request) (Asked, error) {
			return Asked{Questions: []Question{scaledTypes.Ask(nil), scaleDecisions.Ask(nil)}}, nil
		},
	}
}

// setScale sets the target of a process type.
func setScale(ctx context.Context, tx pgx.Tx, form url.Values, by surface.By) (string, error) {
	least, err := strconv.Atoi(form.Get("min"))
	most, failed := strconv.Atoi(form.Get("max"))
	if err != nil || failed != nil {
		return "", &surface.Refusal{Sentence: "The minimum and the maximum are numbers of workers, as in 1 and 4.", BadValue: true}
	}
	changed, err := surface.SetScale(ctx, tx, form.Get("process_type"), form.Get("max_wait"), least, most, by)
	if err == nil && !changed {
		err = &surface.Refusal{Sentence: "That is the target of " + form.Get("process_type") + " already."}
	}
	return "", err
}

func setScaleMode(ctx context.Context, tx pgx.Tx, form url.Values, by surface.By) (string, error) {
	changed, err := surface.SetScaleMode(ctx, tx, form.Get("process_type"), form.Get("mode"), by)
	if err == nil && !changed {
		err = &surface.Refusal{Sentence: "That is the mode of " + form.Get("process_type") + " already."}
	}
	return "", err
}
