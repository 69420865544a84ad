package console

import (
	"context"
	"net/http"
	"strconv"

	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/answer"
	view "github.com/backlist/backlist/views/console"
)

// A deleted job still has its attempts of the last day, and the audit of its deletion.
var jobNow = NewPanel("job.now", "Now", `
select x.id, j.id is not null as found, coalesce(j.kind, a.kind, g.before ->> 'kind', '') as kind,
       coalesce(j.queue, a.queue, g.before ->> 'queue', '') as queue, coalesce(j.home_queue, '') as home_queue,
       coalesce(j.state::text, '') as state, coalesce(j.priority, 0)::int as priority, coalesce(j.attempt, 0)::int as attempt,
       coalesce(j.max_attempts, 0)::int as max_attempts,
       case when isfinite(j.enqueued_at) then j.enqueued_at end as enqueued_at,
       case when isfinite(j.scheduled_at) then j.scheduled_at end as scheduled_at,
       case when isfinite(j.finished_at) then j.finished_at end as finished_at,
       coalesce(j.worker, '') as worker, coalesce(nullif(w.process, ''), j.worker, '') as process,
       coalesce(j.request_id, a.request_id, '') as request_id, coalesce(j.release, '') as release, j.tags, coalesce(j.is_unique, false) as is_unique,
       coalesce(j.deaths, 0) as deaths, j.progress::float8 as progress, j.progress_note, coalesce(j.cancelling, false) as cancelling,
       g.at as deleted_at, coalesce(g.who, '') as deleted_by
from (select @id::bigint as id) x
left join jobs.job j on j.id = x.id
left join jobs.worker w on w.worker = j.worker
left join lateral (
    select t.kind, t.queue, t.request_id from jobs.attempt t where t.job_id = x.id order by t.ended_at desc limit 1) a on true
left join lateral (
    select d.at, d.who, d.before from jobs.audit_of(x.id) d where j.id is null and d.act = 'delete' order by d.id desc limit 1) g on true
where j.id is not null or a.kind is not null or g.at is not null`, view.JobNow)

// Attempts older than a day are only in the job's errors.
var jobLife = NewPanel("job.life", "Its life", `
select 'attempt' as part, a.attempt::bigint as attempt, a.outcome as state, coalesce(a.code, '') as code, a.due_at, null::timestamptz as scheduled_at,
       a.started_at, a.ended_at
from (select * from jobs.attempt where job_id = @id::bigint order by ended_at desc limit 100) a
union all
select 'attempt', (e.v ->> 'attempt')::bigint, 'failed', coalesce(e.v ->> 'code', ''), null, null, null, (e.v ->> 'at')::timestamptz
from jobs.job j, unnest(j.errors[greatest(array_upper(j.errors, 1) - 99, 1):]) as e (v)
where j.id = @id::bigint and e.v ->> 'attempt' ~ '^\d{1,5}$' and e.v ->> 'at' ~ '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$'
  and not exists (select from jobs.attempt a where a.job_id = @id::bigint and a.attempt = (e.v ->> 'attempt')::int)
union all
select 'job', j.attempt, j.state::text, '', case when isfinite(j.enqueued_at) then j.enqueued_at end,
       case when isfinite(j.scheduled_at) then j.scheduled_at end, case when isfinite(j.started_at) then j.started_at end,
       case when isfinite(j.finished_at) then j.finished_at end
from jobs.job j where j.id = @id::bigint
order by part, ended_at nulls last`, view.JobLife)

var jobWhy = NewPanel("job.why", "Where it stands", `
select e.id, e.queue, e.state, e.code, coalesce(e.why, '') as why, e.place, e.running, e.slots, e.ended_per_minute::float8 as ended_per_minute,
       case when isfinite(e.expected_at) then e.expected_at end as expected_at,
       case when isfinite(j.scheduled_at) then j.scheduled_at end as scheduled_at, coalesce(e.workers, '{}') as workers, e.twin,
       coalesce(e.paused_queue, '') as paused_queue, coalesce(e.paused_by, '') as paused_by, coalesce(e.paused_reason, '') as paused_reason,
       coalesce(e.worker, '') as worker, case when isfinite(e.started_at) then e.started_at end as started_at,
       case when isfinite(e.finished_at) then e.finished_at end as finished_at, left(e.last_error, 1000) as last_error, coalesce(j.held, '') as held
from jobs.job j
cross join lateral jobs.explain(j.id) e
where j.id = @id::bigint`, view.JobWhy)

var jobActs = NewPanel("job.acts", "Acts", `
select m.id, a.act, m.state, coalesce(m.code, '') as code, coalesce(m.note, '') as note
from unnest('{retry,run_now,snooze,cancel,discard,delete}'::text[]) with ordinality as a (act, n)
cross join lateral jobs.may(array[@id::bigint], a.act) m
order by a.n`, view.JobActs)

// Args of more than 20,000 bytes are cut.
var jobArgs = NewPanel("job.args", "Arguments", `
select j.id, j.kind, j.queue, j.home_queue, j.priority::int as priority, j.max_attempts::int as max_attempts, j.tags,
       octet_length(a.args)::bigint as bytes, left(a.args, case when octet_length(a.args) <= 20000 then 20000 else 2000 end) as args
from jobs.job j
cross join lateral (select j.args::text as args offset 0) a
where j.id = @id::bigint`, view.JobArgs)

// The log and the error of an attempt are stored with the job, by the attempt's number; of several attempts with the same
// number they belong to the last.
var jobAttempts = NewPanel("job.attempts", "Attempts", `
with job as materialized (
    select errors, case when jsonb_typeof(logs) = 'array' then logs end as logs, state::text as state from jobs.job where id = @id::bigint
), ended as (
    select a.*, a.attempt || case when row_number() over (partition by a.attempt order by a.ended_at desc) = 1 then '' else ' before' end as key
    from (select * from jobs.attempt where job_id = @id::bigint order by ended_at desc limit 50) a
), failed as (
    select distinct on (key) e.v ->> 'attempt' as key, e.v from job, unnest(job.errors) with ordinality as e (v, n) order by key, e.n desc
), logged as (
    select l.v ->> 'attempt' as key, string_agg(l.v ->> 'log', E'\n') as log from job, jsonb_array_elements(job.logs) as l (v) group by 1
)
select coalesce(nullif(replace(k.key, ' before', ''), ''), '?') as attempt,
       coalesce(a.ended_at, case when f.v ->> 'at' ~ '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$' then (f.v ->> 'at')::timestamptz end) as at,
       coalesce(a.outcome, case when f.v is not null then 'failed' end, 'going on') as outcome,
       coalesce(a.code, f.v ->> 'code', '') as code, coalesce(a.worker, f.v ->> 'worker', '') as worker, coalesce(a.release, '') as release,
       a.wait, a.run, coalesce(a.fingerprint, '') as fingerprint,
       left(coalesce(a.error, f.v ->> 'error', ''), 4000) as error, coalesce(length(coalesce(a.error, f.v ->> 'error')), 0) as error_length,
       left(coalesce(nullif(a.trace, ''), f.v ->> 'trace', ''), 20000) as trace, coalesce(length(coalesce(nullif(a.trace, ''), f.v ->> 'trace')), 0) as trace_length,
       left(coalesce(l.log, ''), 20000) as log, coalesce(length(l.log), 0) as log_length,
       case when jsonb_typeof(a.steps) = 'array' then a.steps::text else '' end as steps
from (select key from ended union select key from failed where key is not null union select key from logged where key is not null) k
left join ended a on a.key = k.key
left join failed f on f.key = k.key
left join logged l on l.key = k.key
order by at desc nulls first, k.key desc
limit 50`, view.JobAttempts)

// jobs.waterfall raises an error if there is no record of the request.
var jobWaterfall = NewPanel("job.waterfall", "What its request caused", `
select r.id as request_id, @id::bigint as this, w.n, w.at_ms, w.ms, w.depth, w.what, coalesce(w.name, '') as name, w.job_id, w.attempt,
       coalesce(w.outcome, '') as outcome, left(coalesce(w.detail, ''), 200) as detail
from (
    select r.id
    from (select coalesce(
        (select request_id from jobs.job where id = @id::bigint),
        (select request_id from jobs.attempt where stored and job_id = @id::bigint and request_id is not null order by ended_at desc limit 1)) as id) r
    where exists (select from jobs.request q where q.id = r.id) or exists (select from jobs.attempt a where a.stored and a.request_id = r.id)
    offset 0) r
cross join lateral jobs.waterfall(r.id) with ordinality as w (at_ms, ms, depth, what, name, job_id, attempt, outcome, detail, n)
where w.n <= 150 or w.job_id = @id::bigint
order by w.n
limit 250`, view.JobWaterfall)

// Children without an attempt have no index by their parent. They were enqueued while it ran, mostly soon after it.
var jobFamily = NewPanel("job.family", "Parents and children", `
with recursive up as (
    select @id::bigint as id, 0 as depth
    union all
    select coalesce((select j.parent_id from jobs.job j where j.id = up.id),
                    (select a.parent_id from jobs.attempt a where a.stored and a.job_id = up.id and a.parent_id is not null limit 1)), up.depth + 1
    from up where up.depth < 10 and up.id is not null
), children as (
    select c.id from (select distinct a.job_id as id from jobs.attempt a where a.stored and a.parent_id = @id::bigint limit 100) c
    union
    select n.id from (
        select j.id, case when j.enqueued_at <= own.until then j.parent_id end as parent_id
        from jobs.job_brief j
        cross join (select coalesce((select finished_at + interval '1 min' from jobs.job_brief where id = @id::bigint), 'infinity') as until) own
        where j.id > @id::bigint order by j.id limit 10000) n
    where n.parent_id = @id::bigint
), family as (
    select 'parent' as relation, up.depth, up.id from up where up.depth > 0 and up.id is not null and up.id <> @id::bigint
    union all
    (select 'child', 1, id from children order by id limit 100)
)
select f.relation, f.depth, f.id, coalesce(j.kind, a.kind, '') as kind, coalesce(j.state::text, a.outcome, 'deleted') as state, j.id is not null as found,
       coalesce(j.run, a.run) as run
from family f
left join jobs.job j on j.id = f.id
left join lateral (select t.kind, t.outcome, t.run from jobs.attempt t where t.job_id = f.id order by t.ended_at desc limit 1) a on true
order by f.relation desc, f.depth desc, f.id`, view.JobFamily)

// Attempts have no index by kind: the newest 20,000 are read until 50 are found. Those of a brief kind are mostly in their jobs' rows.
var jobStrip = NewPanel("job.strip", "The last 50 runs of its kind", `
with its as (
    select coalesce((select kind from jobs.job where id = @id::bigint), (select kind from jobs.attempt where job_id = @id::bigint limit 1)) as kind
), newest as (
    select n.job_id, n.attempt, n.kind, n.outcome, n.started_at, n.ended_at, n.run
    from (select job_id, attempt, kind, outcome, started_at, ended_at, run from jobs.attempt where stored order by ended_at desc limit 20000) n
    where n.kind = (select kind from its)
    limit 50
), brief as (
    select n.job_id, n.attempt, n.kind, n.outcome, n.started_at, n.ended_at, n.run
    from (select id as job_id, attempt::int, kind, 'completed' as outcome, started_at, finished_at as ended_at, run from jobs.job
        where state = 'completed' and exists (select from jobs.kind_args a where a.kind = (select kind from its) and a.brief)
        order by finished_at desc limit 20000) n
    where n.kind = (select kind from its)
    limit 50
), own as (
    select job_id, attempt, kind, outcome, started_at, ended_at, run from jobs.attempt where job_id = @id::bigint order by ended_at desc limit 1
)
select a.job_id, a.attempt, a.kind, a.outcome, a.started_at, a.run, a.job_id = @id::bigint as this
from (select * from (select * from newest union select * from brief union select * from own) u order by ended_at desc limit 50) a
order by a.ended_at, a.job_id`, view.JobStrip)

var jobAudit = NewPanel("job.audit", "Who did what", `
select a.id, a.at, a.who, a.act, a.jobs, coalesce(a.reason, '') as reason, a.undoes, coalesce(a.after ->> 'copy_of', '') as copy_of
from jobs.audit_of(@id::bigint) a
order by a.id desc
limit 50`, view.JobAudit)

func (s *Server) jobPage() *Page {
	return &Page{
		Path: "/jobs/{id}", Nav: "jobs", Title: "Job",
		Purpose: "One job: what happened to it, why, and what can be done.",
		Ask: func(r *http.Request) (Asked, error) {
			id, err := jobID(r.Context())
			if err != nil {
				return Asked{}, err
			}
			asked := Asked{Title: "Job " + strconv.FormatInt(id, 10), Draw: view.JobPage}
			for _, p := range []*Panel{
				jobNow, jobLife, jobWhy, jobActs, jobArgs, jobAttempts, jobWaterfall, jobFamily, jobStrip, jobAudit,
			} {
				q := p.Ask(pgx.NamedArgs{"id": id})
				q.Filtered, q.Required = true, p == jobNow
				asked.Questions = append(asked.Questions, q)
			}
			return asked, nil
		},
	}
}

// jobID returns the job that the address names.
func jobID(ctx context.Context) (int64, error) {
	id, err := strconv.ParseInt(chi.URLParamFromCtx(ctx, "id"), 10, 64)
	if err != nil || id < 1 {
		return 0, &answer.Error{Status: http.StatusNotFound}
	}
	return id, nil
}
