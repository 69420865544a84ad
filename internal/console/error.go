package console

import (
	"net/http"
	"regexp"

	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/answer"
	view "github.com/backlist/backlist/views/console"
)

var errorNow = NewPanel("error.now", "Message", `
select e.fingerprint, left(e.message, 20000) as message, coalesce(e.kinds, '{}') as kinds, e.first_seen_at, e.last_seen_at, e.first_release, e.last_release,
       e.last_day::bigint as last_day, coalesce(e.by_hour::text, '{}') as by_hour, e.affected_jobs, e.muted, e.muted_until, e.muted_until_seen,
       coalesce(e.muted_by, '') as muted_by, coalesce(e.muted_reason, '') as muted_reason, e.resolved_at, coalesce(e.resolved_by, '') as resolved_by, e.regressed
from jobs.error e
where e.fingerprint = @fingerprint::text`, view.ErrorNow)

var errorReleases = NewPanel("error.releases", "By release", `
select @fingerprint::text as fingerprint, h.release, min(h.hour) as first_hour, max(h.hour) as last_hour, sum(h.attempts)::bigint as attempts,
       coalesce(jsonb_object_agg(h.day, h.attempts) filter (where h.day is not null), '{}')::text as by_day
from (
    select release, (hour at time zone 'UTC')::date::text as day, min(hour) as hour, sum(attempts) as attempts
    from jobs.error_hour where fingerprint = @fingerprint::text
    group by 1, 2) h
group by h.release
order by first_hour desc, h.release
limit 30`, view.ErrorReleases)

var errorKinds = NewPanel("error.kinds", "By kind", `
select h.fingerprint, h.kind, sum(h.attempts) filter (where h.hour > now() - interval '1 day')::bigint as last_day, sum(h.attempts)::bigint as last_month,
       max(h.hour) as last_hour
from jobs.error_hour h
where h.fingerprint = @fingerprint::text
group by h.fingerprint, h.kind
order by last_month desc, h.kind
limit 50`, view.ErrorKinds)

var errorSamples = NewPanel("error.samples", "The newest jobs with it", `
select s.job_id, s.kind, coalesce(j.state::text, 'deleted') as state, s.attempt, coalesce(j.max_attempts, 0)::int as max_attempts, s.ended_at, s.run,
       s.worker, s.release
from (
    select distinct on (a.job_id) a.job_id, a.kind, a.attempt, a.ended_at, a.run, a.worker, a.release
    from (select * from jobs.attempt where stored and fingerprint = @fingerprint::text order by ended_at desc limit 500) a
    order by a.job_id, a.ended_at desc) s
left join jobs.job j on j.id = s.job_id
order by s.ended_at desc
limit 20`, view.ErrorSamples)

// Only panics have a stack.
var errorStack = NewPanel("error.stack", "Stack", `
select a.job_id, a.attempt, a.ended_at, left(a.error, 20000) as error, left(coalesce(a.trace, ''), 20000) as trace,
       coalesce(length(a.trace), 0) as trace_length, coalesce(a.code, '') as code
from (select * from jobs.attempt where stored and fingerprint = @fingerprint::text order by ended_at desc limit 50) a
order by a.trace is not null and a.trace <> '' desc, a.ended_at desc
limit 1`, view.ErrorStack)

// Long args and long values are left out: a page is not where they are read.
var errorArgs = NewPanel("error.args", "What its jobs have in common", `
with job as materialized (
    select j.id, j.args
    from (
        select distinct a.job_id from (
            select job_id from jobs.attempt where stored and fingerprint = @fingerprint::text order by ended_at desc limit 1000) a limit 200) s
    join jobs.job j on j.id = s.job_id and j.args_size <= 8000
), pair as (
    select job.id, p.key, p.value::text as value
    from job cross join lateral jsonb_each(case when jsonb_typeof(job.args) = 'object' then job.args end) p
), counted as (
    select key, value, count(*) as jobs from pair where length(value) <= 200 and value <> '"[redacted]"' group by key, value
), ranked as (
    select key, value, jobs, row_number() over (partition by key order by jobs desc, value) as place, count(*) over (partition by key) as different
    from counted
)
select left(key, 200) as key, value, jobs, different, (select count(*) from job) as of_jobs
from ranked
where place = 1
order by jobs desc, different, key
limit 30`, view.ErrorArgs)

// fingerprints match the fingerprints of errors, of any release.
var fingerprints = regexp.MustCompile(`^[0-9A-Za-z]{1,100}$`)

func (s *Server) oneErrorPage() *Page {
	return &Page{
		Path: "/errors/{fingerprint}", Nav: "errors", Title: "Error",
		Purpose: "One error: since which release, which jobs, and what they have in common.",
		Ask: func(r *http.Request) (Asked, error) {
			fingerprint := chi.URLParam(r, "fingerprint")
			if !fingerprints.MatchString(fingerprint) {
				return Asked{}, &answer.Error{Status: http.StatusNotFound}
			}
			asked := Asked{Title: "Error " + fingerprint, Draw: view.ErrorPage}
			for _, p := range []*Panel{errorNow, errorReleases, errorKinds, errorSamples, errorArgs, errorStack} {
				q := p.Ask(pgx.NamedArgs{"fingerprint": fingerprint})
				q.Filtered, q.Required = true, p == errorNow
				asked.Questions = append(asked.Questions, q)
			}
			return asked, nil
		},
	}
}
