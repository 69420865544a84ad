package console

import (
	"context"
	"net/http"
	"net/url"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/surface"
	view "github.com/backlist/backlist/views/console"
)

var liveWorkers = NewPanel("workers.live", "At work", `
select worker, status, process, release, slots, running, busy, rss_bytes, started_at, seen_at, draining
from jobs.worker
where alive or status = 'silent'
order by process_type, index nulls last, started_at`, view.Workers)

func (s *Server) workersPage() *Page {
	return &Page{
		Path: "/workers", Nav: "workers", Title: "Workers",
		Purpose: "The processes that run jobs: what each does now, and whether it is well.",
		Ask: func(*http.Request) (Asked, error) {
			return Asked{Questions: []Question{liveWorkers.Ask(nil)}}, nil
		},
	}
}

// drain stops a worker taking jobs, or lets it take jobs again.
func drain(act string) acting {
	return func(ctx context.Context, tx pgx.Tx, form url.Values, by surface.By) (string, error) {
		return "", named(ctx, tx, act, form.Get("worker"), by)
	}
}
