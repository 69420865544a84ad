-- jobs.request: web requests that enqueued jobs. jobs.waterfall: everything that one of them caused.

create view jobs.request as
select r.id, r.method, r.route, r.status, r.started_at, r.ended_at, r.ended_at - r.started_at as took,
       r.release, r.process, r.jobs, cardinality(r.jobs) as job_count, r.steps, r.stands_for
from work.request r
left join (select) readonly on true;

comment on view jobs.request is 'Web requests that enqueued jobs in the last day. When there are many, only some are written, and each says how many it stands for. Fast by id and started_at.';
comment on column jobs.request.id is 'The request''s id, as in the logs, the X-Request-Id header and jobs.job.request_id.';
comment on column jobs.request.method is 'The HTTP method, as in POST.';
comment on column jobs.request.route is 'The pattern of its route.';
comment on column jobs.request.status is 'The status of the response.';
comment on column jobs.request.started_at is 'When the request arrived.';
comment on column jobs.request.ended_at is 'When it was answered.';
comment on column jobs.request.took is 'How long the response took.';
comment on column jobs.request.release is 'The release that answered it.';
comment on column jobs.request.process is 'The process that answered it, as in web.1.';
comment on column jobs.request.jobs is 'The jobs that it enqueued: see jobs.job.';
comment on column jobs.request.job_count is 'How many jobs it enqueued.';
comment on column jobs.request.steps is 'Its steps, in order: [{"name", "at_ms", "ms", "queries", "trips", "sql_ms"}]. trips are the round trips to the database in which the queries were sent; older steps lack them.';
comment on column jobs.request.stands_for is 'How many similar requests this row stands for, including itself.';

create function jobs.id_at(at timestamptz) returns bigint
language plpgsql stable set search_path = pg_catalog, pg_temp set jit = off as $$
declare
    low bigint := (select min(j.id) from river.river_job j);
    high bigint := (select max(j.id) + 1 from river.river_job j);
    probe record;
begin
    while low < high loop
        select j.id, j.created_at into probe from river.river_job j where j.id >= (low + high) / 2 order by j.id limit 1;
        if probe.created_at < id_at.at then
            low := probe.id + 1;
        else
            high := (low + high) / 2;
        end if;
    end loop;
    return low;
end $$;
comment on function jobs.id_at is 'About the lowest id of the jobs that were enqueued at or after a time, found by a binary search: ids grow with time, except for jobs with an invented created_at and by as much as transactions last. Null if there is no job.';

create function jobs.waterfall(request_id text)
returns table (at_ms float8, ms float8, depth int, what text, name text, job_id bigint, attempt int, outcome text, detail text)
language plpgsql stable set search_path = pg_catalog, pg_temp set jit = off
set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
    r jobs.request;
    zero timestamptz;
    first_job bigint;
    last_end timestamptz;
    beyond bigint; -- no job that it caused has this id or a higher one
    unfinished bigint[]; -- jobs that it caused
begin
    select * into r from jobs.request q where q.id = waterfall.request_id;
    select least(r.started_at, min(a.due_at)), least((select min(j) from unnest(r.jobs) as j), min(a.job_id)), greatest(r.ended_at, max(a.ended_at))
    into zero, first_job, last_end from jobs.attempt a where a.stored and a.request_id = waterfall.request_id;
    if zero is null then
        raise exception 'There is no record of request %: requests and attempts are kept for a day, and when there are many, not all are written.',
            quote_nullable(waterfall.request_id) using errcode = 'P0002';
    end if;
    -- A job enqueues others only while it runs. So few jobs have to be looked at, unless one of this request runs now.
    beyond := case when not exists (select from jobs.job j where j.state = 'running' and j.request_id = waterfall.request_id)
        then jobs.id_at(last_end + interval '1 min') end;
    beyond := coalesce(beyond, 9223372036854775807);
    if beyond - first_job < 20000 then
        unfinished := array(select j.id from jobs.job_brief j
            where j.id >= first_job and j.id < beyond and j.finished_at is null and j.request_id = waterfall.request_id);
    else -- one part for each partial index; + 0 keeps each from walking through all jobs by their ids
        unfinished := array(
            select j.id from jobs.job_brief j
            where j.state = 'available' and j.request_id = waterfall.request_id and j.id + 0 >= first_job and j.id + 0 < beyond
            union all
            select j.id from jobs.job_brief j where j.state = 'running' and j.request_id = waterfall.request_id and j.id + 0 >= first_job
            union all
            select j.id from jobs.job_brief j
            where j.state in ('pending', 'retryable', 'scheduled') and j.request_id = waterfall.request_id
              and j.id + 0 >= first_job and j.id + 0 < beyond);
    end if;
    return query
    with recursive ended as (
        select a.* from jobs.attempt a where a.stored and a.request_id = waterfall.request_id
    ), going as ( -- unfinished jobs that it caused, also where they name another request
        select j.* from jobs.job j where j.id = any (unfinished || r.jobs) and j.finished_at is null
    ), parents as (
        select e.job_id as id, max(e.parent_id) as parent_id from ended e group by e.job_id
        union
        select g.id, g.parent_id from going g
    ), tree as (
        select p.id, 1 as depth, array[p.id] as path from parents p
        where p.parent_id is null or p.parent_id not in (select id from parents)
        union all
        select p.id, t.depth + 1, t.path || p.id from parents p join tree t on p.parent_id = t.id
        where p.id <> all (t.path) and t.depth < 50
    ), line as (
        select r.started_at as at, r.took as took, 0 as depth, 'request' as what, r.method || ' ' || r.route as name, null::bigint as job_id,
               null::int as attempt, r.status::text as outcome, null::text as detail, '{}'::bigint[] as path, 0 as part
        where r.id is not null
        union all
        select r.started_at + make_interval(secs => (s.v ->> 'at_ms')::float8 / 1000), make_interval(secs => (s.v ->> 'ms')::float8 / 1000),
               1, 'step', s.v ->> 'name', null, null, null, case s.v ->> 'queries' when '1' then '1 query' else s.v ->> 'queries' || ' queries' end, '{}', 1
        from jsonb_array_elements(case when jsonb_typeof(r.steps) = 'array' then r.steps end) as s (v)
        union all
        select e.due_at, e.wait, t.depth, 'wait', e.kind, e.job_id, e.attempt, null, 'in queue ' || e.queue, t.path, e.attempt * 4
        from ended e join tree t on t.id = e.job_id
        union all
        select e.started_at, e.run, t.depth, 'run', e.kind, e.job_id, e.attempt, e.outcome, e.error, t.path, e.attempt * 4 + 1
        from ended e join tree t on t.id = e.job_id
        union all
        select e.started_at + make_interval(secs => (s.v ->> 'at_ms')::float8 / 1000), make_interval(secs => (s.v ->> 'ms')::float8 / 1000),
               t.depth + 1, 'step', s.v ->> 'name', e.job_id, e.attempt, null, case s.v ->> 'queries' when '1' then '1 query' else s.v ->> 'queries' || ' queries' end, t.path, e.attempt * 4 + 2
        from ended e join tree t on t.id = e.job_id
        cross join jsonb_array_elements(case when jsonb_typeof(e.steps) = 'array' then e.steps end) as s (v)
        union all
        select g.started_at, g.run, t.depth, 'run', g.kind, g.id, g.attempt::int, 'running', g.progress_note, t.path, 200000
        from going g join tree t on t.id = g.id where g.state = 'running'
        union all
        select greatest(g.enqueued_at, least(g.scheduled_at, now())), null, t.depth, 'wait', g.kind, g.id, g.attempt + 1, g.state::text,
               g.why_waiting, t.path, 200001
        from going g join tree t on t.id = g.id where g.state <> 'running'
    )
    select round((extract(epoch from l.at - zero) * 1000)::numeric, 1)::float8, round((extract(epoch from l.took) * 1000)::numeric, 1)::float8,
           l.depth, l.what, l.name, l.job_id, l.attempt, l.outcome, l.detail
    from line l order by l.path, l.part, l.at;
end $$;
comment on function jobs.waterfall is 'Everything that the web request request_id caused, as a waterfall: the request and its steps, then each job''s waits, runs and steps, and the jobs that those enqueued. at_ms counts from the start of the request; depth is the nesting level. Jobs whose attempts are older than a day are missing.';
