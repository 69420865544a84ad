package console

import (
	"net/http"

	"github.com/jackc/pgx/v5"

	view "github.com/backlist/backlist/views/console"
)

var liveWorkers = NewPanel("workers.live", "At work", `
select worker, status, process, release, slots, running, busy, rss_bytes, started_at, seen_at, draining, count(*) over () as total
from jobs.worker
where alive or status = 'silent'
order by process_type, index nulls last, started_at
limit 50`, view.Workers)

// runningJobs are the jobs that have run for the longest, at most as many as a page has room for.
var runningJobs = NewPanel("workers.running", "What runs", `
select j.id, j.kind, j.queue, j.worker, coalesce(nullif(w.process, ''), j.worker) as process, j.started_at, j.attempt, j.max_attempts,
       j.progress::float8, j.progress_note, j.cancelling
from jobs.job j
left join jobs.worker w on w.worker = j.worker
where j.state = 'running'
order by j.started_at
limit @most::int`, view.Running)

var endedWorkers = NewPanel("workers.ended", "Ended in the last 7 days", `
select worker, status, process, release, slots, running, started_at, seen_at, stopped_at, dead_at
from jobs.worker
where stopped_at is not null or dead_at is not null
order by coalesce(stopped_at, dead_at) desc
limit 100`, view.EndedWorkers)

func (s *Server) workersPage() *Page {
	return &Page{
		Path: "/workers", Nav: "workers", Title: "Workers",
		Purpose: "The processes that run jobs: what each does now, and whether it is well.",
		Ask: func(*http.Request) (Asked, error) {
			return Asked{Questions: []Question{liveWorkers.Ask(nil), runningJobs.Ask(pgx.NamedArgs{"most": 100}), endedWorkers.Ask(nil)}}, nil
		},
	}
}
