-- Declares workers dead, and makes the jobs of dead and stopped workers available again, all in one statement. @quick and @silent:
-- seconds without a heartbeat after which a worker is dead, without its session lock and with it. @after_start: seconds after the
-- server's start in which no worker is declared dead. @unregistered, @fetch: seconds after which a job is lost that an unregistered
-- client runs, or that this process fetched and does not have. @me: this process, @ids and @attempts: the jobs that it has. @alone: the
-- queue of isolated jobs, @singly: of brief jobs that run one by one, @head: how many jobs of a brief queue are moved there when a worker
-- died that took from it, since one of its batch may be the cause; @isolate_after: the deaths after which a job is isolated. @among: the only jobs to look at (null: all).
with died as (
    update work.worker set dead_at = clock_timestamp()
    where id in (
        select w.id from work.worker w
        where w.id <> @me and w.stopped_at is null and w.dead_at is null
          and clock_timestamp() - pg_postmaster_start_time() > make_interval(secs => @after_start)
          and (w.seen_at < clock_timestamp() - make_interval(secs => @silent)
               or w.locked and w.seen_at < clock_timestamp() - make_interval(secs => @quick) and not exists (
                   -- the worker's session lock, as in heartbeat.sql
                   select from pg_locks l
                   where l.locktype = 'advisory' and l.granted and l.objsubid = 1
                     and l.database = (select oid from pg_database where datname = current_database())
                     and l.classid = (w.lock_key >> 32)::oid and l.objid = (w.lock_key & 4294967295)::oid))
        for update skip locked)
    returning id
), gone as (
    select id, true as dead from died
    union all
    select id, stopped_at is null from work.worker where stopped_at is not null or dead_at is not null
), lost as (
    select j.id, jobs.runner(j.attempted_by) as worker, g.dead,
           case when g.dead then 'the worker ' || g.id || ' died while it ran this job'
                when g.dead is false then 'handed back by the worker ' || g.id || ' at its stop'
                when jobs.runner(j.attempted_by) = @me then 'the worker ' || @me || ' was given this job and never got it'
                else 'no worker that is known has this job' end as reason,
           case when g.dead and j.queue = @alone and not j.metadata ? 'cancel_attempted_at' then 'poison_pill'
                when g.dead then 'worker_died' when g.dead is false then 'worker_stopped'
                when jobs.runner(j.attempted_by) = @me then 'not_received'
                else 'unregistered' end as code,
           j.attempt, j.queue, case when jsonb_typeof(j.metadata) = 'object' then j.metadata else '{}' end as metadata,
           greatest(j.created_at, j.scheduled_at, case when jsonb_typeof(j.metadata -> 'rescued_at') = 'number'
               then to_timestamp(greatest(least((j.metadata ->> 'rescued_at')::numeric, 1e10), 0)::float8) end) as due, -- as in jobs.job
           coalesce(j.attempted_at, now()) as began,
           j.metadata ? 'cancel_attempted_at' as cancelled, g.dead is true and j.queue = @alone as poison,
           case when j.metadata ->> 'deaths' ~ '^\d{1,9}$' then (j.metadata ->> 'deaths')::int else 0 end
               + coalesce(g.dead, false)::int as deaths,
           case when j.metadata ->> 'rescues' ~ '^\d{1,9}$' then (j.metadata ->> 'rescues')::int else 0 end + 1 as rescues
    from river.river_job j
    left join gone g on g.id = jobs.runner(j.attempted_by)
    where j.state = 'running' and (@among::bigint[] is null or j.id = any (@among))
      and (g.id is not null
           or jobs.runner(j.attempted_by) = @me and j.attempted_at < now() - make_interval(secs => @fetch)
              and not exists (select from unnest(@ids::bigint[], @attempts::int[]) as h (id, attempt) where h.id = j.id and h.attempt = j.attempt)
           or j.attempted_at < now() - make_interval(secs => @unregistered)
              and not exists (select from work.worker w where w.id = jobs.runner(j.attempted_by)))
    for update of j skip locked
), rescued as (
    update river.river_job j set
        state = (case when v.cancelled then 'cancelled' when v.poison then 'discarded' else 'available' end)::river.river_job_state,
        finalized_at = case when v.cancelled or v.poison then now() end,
        queue = case when v.deaths >= @isolate_after then @alone else j.queue end,
        max_attempts = least(j.max_attempts + 1, 32767),
        errors = case when array_ndims(j.errors) > 1 then array[e.error] else array_append(j.errors, e.error) end,
        metadata = v.metadata
            || jsonb_build_object('rescues', v.rescues, 'rescued_at', extract(epoch from clock_timestamp()),
                'rescued_from', v.worker, 'rescue_code', v.code)
            || case when v.deaths > 0 then jsonb_build_object('deaths', v.deaths) else '{}' end
            || case when v.deaths >= @isolate_after and j.queue not in (@alone, @singly) then jsonb_build_object('queue', j.queue) else '{}' end
    from lost v
    cross join lateral (
        select jsonb_build_object('at', clock_timestamp(), 'attempt', v.attempt, 'trace', '', 'code', v.code, 'worker', v.worker,
            'error', v.reason || case when v.poison and not v.cancelled then ' alone: it is discarded as a poison pill' else '' end) as error) e
    where j.id = v.id
    returning j.id, j.kind, j.queue, j.state::text, v.worker,
        json_build_object('Number', v.attempt, 'Queue', v.queue, 'Metadata', v.metadata - 'river:log', 'Due', v.due, 'Began', v.began,
            'Ended', clock_timestamp(), 'Reason', e.error ->> 'error', 'Code', v.code, 'Lost', v.dead is distinct from false,
            'Release', (select w.release from work.worker w where w.id = v.worker)) as ended
), head as (
    select j.id
    from (select distinct k.opts ->> 'queue' as name from died d join work.worker w on w.id = d.id
          join work.kind k on k.brief and k.kind = any (w.kinds) and k.opts ->> 'queue' = any (w.queues)) q
    cross join lateral (
        select j.id from river.river_job j
        where j.state = 'available' and j.queue = q.name and j.scheduled_at <= now()
        order by j.priority, j.scheduled_at, j.id limit @head
        for update skip locked) j
), moved as (
    update river.river_job j set queue = @singly,
        metadata = case when jsonb_typeof(j.metadata) = 'object' then j.metadata else '{}' end || jsonb_build_object('queue', j.queue)
    from head where j.id = head.id
    returning j.queue
), told as (
    select pg_notify('river.river_insert', json_build_object('queue', queue)::text)
    from (select queue from rescued where state = 'available' union select queue from moved) q
)
select id, kind, queue, state, coalesce(worker, ''), ended from rescued where (select count(*) from told) >= 0
