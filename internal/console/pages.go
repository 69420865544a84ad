package console

import (
	"context"
	"net/http"
	"net/url"

	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/surface"
)

// pages returns the console's pages, in the order of the menu.
func (s *Server) pages() []*Page {
	return []*Page{s.overviewPage(), s.queuesPage(), s.jobsPage(), s.jobPage(), s.copyPage(), s.errorsPage(), s.oneErrorPage(), s.workersPage(), s.scalePage()}
}

// Patterns returns the patterns of the pages below view.Root, as in /jobs/{id}.
func Patterns() []string {
	var list []string
	for _, p := range (&Server{}).pages() {
		list = append(list, p.Path)
	}
	return list
}

// acts adds the routes of the forms that change something.
func (s *Server) acts(r chi.Router, form func(acting) http.HandlerFunc) {
	r.Post("/undo", form(undo))
	r.Post("/queues/pause", form(actOn("queue", "pause")))
	r.Post("/queues/resume", form(actOn("queue", "resume")))
	r.Post("/queues/target", form(setTarget))
	r.Post("/queues/clear-target", form(clearTarget))
	r.Post("/jobs/act", form(startBulk))
	r.Post("/jobs/bulk/cancel", form(bulkAct(cancelBulk)))
	r.Post("/jobs/bulk/undo", form(bulkAct(undoBulk)))
	r.Post("/jobs/bulk/confirm", form(bulkAct(confirmBulk)))
	r.Post("/jobs/views", form(saveView))
	r.Post("/jobs/views/delete", form(deleteView))
	r.Post("/jobs/{id}/act", form(actOnJob))
	r.Post("/jobs/{id}/delete", form(deleteJob))
	r.Post("/jobs/{id}/copy", form(s.copyJob))
	r.Post("/errors/{fingerprint}/act", form(actOnError))
	r.Post("/scale/target", form(setScale))
	r.Post("/scale/mode", form(setScaleMode))
	r.Post("/workers/drain", form(actOn("worker", "drain")))
	r.Post("/workers/undrain", form(actOn("worker", "undrain")))
}

// actOn does an act on the queue or worker that a field of the form names.
func actOn(field, act string) acting {
	return func(ctx context.Context, tx pgx.Tx, form url.Values, by surface.By) (string, error) {
		return "", named(ctx, tx, act, form.Get(field), by)
	}
}

// named does an act on a queue, worker or error.
func named(ctx context.Context, tx pgx.Tx, act, name string, by surface.By) error {
	a, err := surface.ActNamed(act)
	if err != nil {
		return err
	}
	changed, err := a.Named(ctx, tx, name, by)
	if err == nil && changed == 0 {
		err = &surface.Refusal{Sentence: name + " is " + a.Did + " already."}
	}
	return err
}
