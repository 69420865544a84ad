package console

import (
	"net/http"
	"time"

	"github.com/a-h/templ"
	"github.com/jackc/pgx/v5"

	view "github.com/backlist/backlist/views/console"
)

var findings = NewPanel("overview.findings", "State", `
select severity, code, subject, sentence, advice, page, search
from jobs.finding
order by rank, subject
limit 20`, view.Findings)

// series is drawn without the bucket that is growing where buckets are short, so that open pages get new lines once for each
// bucket, and not each second.
var series = NewPanel("overview.series", "Over time", `
select s.at, s.ended_per_second * 60 as per_minute,
       coalesce((s.failed + s.discarded) * s.ended_per_second * 60 / nullif(s.ended, 0), 0) as failed_per_minute,
       s.wait_p50, s.wait_p95, s.wait_p99, s.run_p50, s.run_p95, s.run_p99, s.available, s.running, s.retryable,
       coalesce(r.releases, '{}') as releases
from jobs.series(@past::interval, nullif(@queue::text, ''), nullif(@kind::text, '')) s
left join lateral (
    select array_agg(release order by first_seen_at) as releases from jobs.release
    where first_seen_at >= s.at and first_seen_at < s.at + s.span) r on true
where not s.growing or s.span > interval '10 min'
order by s.at`, view.Series).Keeping(10 * time.Second)

var standingOutQueues = NewPanel("overview.queues", "Queues that stand out", `
select queue, paused, available, oldest_wait, wait_p95, failing_share::float8 as failing_share
from jobs.queue
where oldest_wait > interval '1 s' or failing_share > 0.01 or paused and available > 0 or available > 0 and workers = 0
order by oldest_wait desc nulls last, failing_share desc nulls last, queue
limit 5`, view.StandingOutQueues).Keeping(2 * time.Second)

var standingOutKinds = NewPanel("overview.kinds", "Kinds that stand out", `
select kind, attempts::bigint as attempts, failed::bigint as failed, failing_share, run_p95, run_p95_before, g.growth
from jobs.trend
cross join lateral (
    select extract(epoch from run_p95)::float8 / nullif(extract(epoch from run_p95_before), 0)::float8 as growth) g
where failing_share > 0.01 or g.growth > 1.5 and attempts >= 20
order by failing_share > 0.01 desc, failing_share desc nulls last, g.growth desc nulls last, kind
limit 5`, view.StandingOutKinds).Keeping(10 * time.Second)

func (s *Server) overviewPage() *Page {
	return &Page{
		Path: "/", Nav: "overview", Title: "Overview", Charts: true,
		Purpose: "Whether all is well, and if not, what needs attention first.",
		Ask: func(r *http.Request) (Asked, error) {
			values := r.URL.Query()
			queue, kind := nameIn(values, "queue"), nameIn(values, "kind")
			charts := series.Ask(pgx.NamedArgs{"past": view.Past(values.Get("past")), "queue": queue, "kind": kind})
			charts.Filtered = queue != "" || kind != ""
			return Asked{
				Questions: []Question{
					findings.Ask(nil), charts,
					standingOutQueues.Ask(nil), standingOutKinds.Ask(nil), liveWorkers.Ask(nil), runningJobs.Ask(pgx.NamedArgs{"most": 10}),
				},
				Draw: func(panel func(id string) templ.Component, v view.Viewer) templ.Component {
					return view.Overview(panel, v)
				},
			}, nil
		},
	}
}
