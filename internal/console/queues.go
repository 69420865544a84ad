package console

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/surface"
	view "github.com/backlist/backlist/views/console"
)

// listedQueues: those that need attention first, because there may be thousands.
var listedQueues = NewPanel("queues.list", "Queues", `
with listed as materialized (
    select q.*, count(*) over () as total,
           case when q.available > 0 and q.workers = 0 then 0 when q.paused and q.available > 0 then 1 when q.paused then 2 else 3 end as attention
    from jobs.queue q
    where @q::text = '' or position(lower(@q::text) in lower(q.queue)) > 0
    order by attention, q.oldest_wait desc nulls last, q.failing_share desc nulls last, q.available desc, q.queue
    limit 50
)
select l.queue, l.total, l.paused, l.paused_at, l.paused_by, l.paused_reason, l.available, l.running, l.scheduled, l.retryable,
       l.oldest_wait, l.wait_p50, l.wait_p95, l.wait_p99, l.run_p50, l.run_p95,
       l.finished_per_minute::float8 as per_minute, l.failing_share::float8 as failing_share, l.workers, p.ended, p.failed
from listed l
left join (select * from jobs.pulse where queue = any (array(select queue from listed))) p on p.queue = l.queue
order by l.attention, l.oldest_wait desc nulls last, l.failing_share desc nulls last, l.available desc, l.queue`, view.Queues)

var waitTargets = NewPanel("queues.targets", "Wait targets and their error budgets of 30 days", `
select queue, within, share, attempts, late, waiting_late, budget, budget_used, burn_1h, burn_6h, state, kinds, set_at, set_by, reason,
       count(*) over () as total
from jobs.wait_target
order by budget_used desc nulls last, queue
limit 20`, view.WaitTargets).Keeping(5 * time.Second)

func (s *Server) queuesPage() *Page {
	return &Page{
		Path: "/queues", Nav: "queues", Title: "Queues",
		Purpose: "Where jobs wait: how many, for how long, and whether they start in time.",
		Ask: func(r *http.Request) (Asked, error) {
			q := nameIn(r.URL.Query(), "q")
			list := listedQueues.Ask(pgx.NamedArgs{"q": q})
			list.Filtered = q != ""
			return Asked{Questions: []Question{list, waitTargets.Ask(nil)}}, nil
		},
	}
}

// setTarget sets the wait target of a queue: a share in percent, and a duration.
func setTarget(ctx context.Context, tx pgx.Tx, form url.Values, by surface.By) (string, error) {
	percent, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(form.Get("share")), "%")), 64)
	if err != nil {
		return "", &surface.Refusal{Sentence: "The share is a number of percent, as in 99.", BadValue: true}
	}
	changed, err := surface.SetWaitTarget(ctx, tx, form.Get("queue"), form.Get("within"), percent/100, by)
	if err == nil && !changed {
		err = &surface.Refusal{Sentence: "That is the wait target of " + form.Get("queue") + " already."}
	}
	if err != nil {
		return "", err
	}
	entries, err := surface.Entries(ctx, tx)
	return withEntries(view.Root+"/queues", entries), err // not back to the form
}

func clearTarget(ctx context.Context, tx pgx.Tx, form url.Values, by surface.By) (string, error) {
	changed, err := surface.ClearWaitTarget(ctx, tx, form.Get("queue"), by)
	if err == nil && !changed {
		err = &surface.Refusal{Sentence: form.Get("queue") + " has no wait target."}
	}
	return "", err
}
