package console

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/surface"
	view "github.com/backlist/backlist/views/console"
)

// The rows are chosen by cheap columns before the others, which read the hours and attempts of each, are asked for.
var errorList = NewPanel("errors.list", "Inbox", `
select e.fingerprint, left(e.message, 500) as message, coalesce(e.kinds, '{}') as kinds, e.first_seen_at, e.last_seen_at, e.first_release, e.last_release,
       e.last_day::bigint as last_day, coalesce(e.by_hour::text, '{}') as by_hour, e.affected_jobs, e.muted, e.muted_until, e.muted_until_seen,
       coalesce(e.muted_by, '') as muted_by, coalesce(e.muted_reason, '') as muted_reason, e.resolved_at, coalesce(e.resolved_by, '') as resolved_by, e.regressed
from (
    select fingerprint from jobs.error
    where not aside and case @show::text
          when 'open' then not muted and (resolved_at is null or regressed)
          when 'muted' then muted
          when 'resolved' then resolved_at is not null and not regressed
          else true end
    order by regressed desc, last_seen_at desc, fingerprint
    limit 40 offset @skip::bigint) chosen
join jobs.error e on e.fingerprint = chosen.fingerprint
order by e.regressed desc, e.last_seen_at desc, e.fingerprint`, view.Errors)

var errorCounts = NewPanel("errors.counts", "Show", `
select @show::text as show, @skip::bigint as skip,
       count(*) filter (where not muted and (resolved_at is null or regressed)) as open,
       count(*) filter (where regressed and not muted) as regressed,
       count(*) filter (where muted) as muted,
       count(*) filter (where resolved_at is not null and not regressed) as resolved,
       count(*) as every
from jobs.error where not aside`, view.ErrorCounts)

// The newest 50,000 discarded jobs are counted. If there are more, counts that reach beyond them are marked.
var errorWindows = NewPanel("errors.windows", "Discarded jobs by kind", `
with newest as materialized (
    select kind, finished_at from jobs.job
    where state = 'discarded' and finished_at is not null and finished_at > now() - interval '7 days'
    order by finished_at desc limit 50000
), reach as (
    select case when count(*) = 50000 then min(finished_at) end as since from newest
)
select n.kind,
       count(*) filter (where n.finished_at > now() - interval '1 hour') as h1,
       count(*) filter (where n.finished_at > now() - interval '3 hours') as h3,
       count(*) filter (where n.finished_at > now() - interval '24 hours') as h24,
       count(*) filter (where n.finished_at > now() - interval '3 days') as d3,
       count(*) as d7,
       (select since from reach) as complete_since,
       count(*) over () as total
from newest n
group by n.kind
order by h24 desc, d7 desc, n.kind
limit 50`, view.ErrorWindows).Keeping(10 * time.Second)

// shown are the choices of the inbox.
var shown = []string{"open", "muted", "resolved", "all"}

func (s *Server) errorsPage() *Page {
	return &Page{
		Path: "/errors", Nav: "errors", Title: "Errors",
		Purpose: "What jobs fail with: one line per error, however often it happens.",
		Ask: func(r *http.Request) (Asked, error) {
			show, page := r.URL.Query().Get("show"), 0
			if !slices.Contains(shown, show) {
				show = shown[0]
			}
			if n, err := strconv.Atoi(r.URL.Query().Get("page")); err == nil && n > 1 && n <= 1000 {
				page = n - 1
			}
			args := pgx.NamedArgs{"show": show, "skip": page * view.ErrorsPerPage}
			counts, list := errorCounts.Ask(args), errorList.Ask(args)
			counts.Filtered, list.Filtered = page > 0, page > 0
			return Asked{Questions: []Question{counts, list, errorWindows.Ask(nil)}, Draw: view.ErrorsPage}, nil
		},
	}
}

// actOnError does an act on the error of the address, as the form's act says.
func actOnError(ctx context.Context, tx pgx.Tx, form url.Values, by surface.By) (string, error) {
	a, err := surface.ActNamed(form.Get("act"))
	if err != nil || a.On != "FINGERPRINT" {
		return "", unknownAct()
	}
	if a.Name == "mute" {
		if form.Get("for") == "seen" {
			by.UntilSeen = true
			form.Del("for")
		}
		if err := setUntil(&by, form); err != nil {
			return "", err
		}
	}
	return "", named(ctx, tx, a.Name, chi.URLParamFromCtx(ctx, "fingerprint"), by)
}
