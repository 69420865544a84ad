-- Writes web requests, with the jobs that they enqueued in transactions that were committed; a request without such jobs gets no row.
-- @ids to @stand_for: arrays with an element per request, among them the seconds since it began and ended, and its jobs as a list with
-- commas; @release and @process: of all requests; @most: how many jobs are kept of one request.
insert into work.request as r (id, method, route, status, started_at, ended_at, jobs, steps, stands_for, release, process)
select q.id, q.method, q.route, q.status, t.now - make_interval(secs => q.began), t.now - make_interval(secs => q.ended),
    there.jobs, q.steps::jsonb, q.stands_for, @release, @process
from unnest(@ids::text[], @methods::text[], @routes::text[], @statuses::int[], @began::float8[], @ended::float8[], @jobs::text[],
         @steps::text[], @stand_for::int[]) as q (id, method, route, status, began, ended, jobs, steps, stands_for),
     (select clock_timestamp(), set_config('lock_timeout', '500ms', true)) as t (now),
     lateral (select array_agg(j.id order by j.id) as jobs from river.river_job j
              where j.id = any (('{' || q.jobs || '}')::bigint[])) there
where there.jobs is not null
on conflict (id) do update set
    jobs = (select array_agg(id order by id) from (
        select distinct id from unnest(r.jobs || excluded.jobs) as both_ (id) order by id limit @most) kept),
    ended_at = greatest(r.ended_at, excluded.ended_at)
