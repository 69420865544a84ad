-- Takes or renews the lease of each process type that is planned, and returns a row for each whose lease this process has: the target,
-- what was remembered, and what is measured now. @by: the process; @lease: seconds until another one may take over. Jobs of paused
-- queues are left out, because more workers cannot help them; beyond 50,000 jobs are not counted.
with mine as (
    update work.scale_state s set lease_by = @by, lease_until = now() + make_interval(secs => @lease::float8)
    from work.scale_target t
    where t.process_type = s.process_type and t.mode <> 'off'
      and (s.lease_by = @by or s.lease_until is null or s.lease_until < now())
    returning t.process_type, t.mode, extract(epoch from t.max_wait)::float8 as max_wait, t.min, t.max, coalesce(t.budget, 0) as budget, t.queues,
        s.state, s.api_limit, s.boots, s.ordered, s.problem,
        case when s.month = date_trunc('month', now() at time zone 'UTC')::date then s.hours else 0 end as hours,
        coalesce((select percentile_cont(0.9) within group (order by b) from unnest(s.boots) b having count(*) >= 3), 0)::float8 as boot
)
select m.process_type, m.mode, m.max_wait, m.min, m.max, m.budget, m.state, m.api_limit, m.boots, m.ordered, m.problem, m.hours, m.boot, now() as at,
    coalesce((
        select jsonb_agg(jsonb_build_object('queue', x.queue, 'kind', x.kind, 'ready', x.ready, 'oldest', x.oldest))
        from (select j.queue, j.kind, count(*) as ready, extract(epoch from now() - min(j.scheduled_at) filter (where j.attempt = 0)) as oldest
              from (select r.queue, r.kind, r.scheduled_at, r.attempt from river.river_job r
                    where r.state = 'available' and r.queue = any (q.names) and r.scheduled_at <= now() limit 50000) j
              group by j.queue, j.kind) x), '[]') as ready,
    coalesce((
        select jsonb_agg(jsonb_build_object('queue', x.queue, 'kind', x.kind, 'due', x.due))
        from (select d.queue, d.kind, count(*) as due
              from (select r.queue, r.kind from river.river_job r
                    where r.state in ('scheduled', 'retryable') and r.scheduled_at <= now() + make_interval(secs => m.ahead) and r.queue = any (q.names)
                    limit 50000) d
              group by d.queue, d.kind
              union all
              select coalesce(s.opts ->> 'queue', 'default'), s.kind, count(*) from work.schedule s
              where s.next_at <= now() + make_interval(secs => m.ahead) and s.paused_at is null and s.retired_at is null
                and coalesce(s.opts ->> 'queue', 'default') = any (q.names)
              group by 1, 2) x), '[]') as due,
    coalesce((
        select jsonb_agg(jsonb_build_object('queue', x.queue, 'kind', x.kind, 'running', x.running, 'elapsed', x.elapsed))
        from (select r.queue, r.kind, count(*) as running, greatest(0, extract(epoch from avg(now() - r.attempted_at))) as elapsed from river.river_job r
              where r.state = 'running' and r.queue = any (q.names) group by r.queue, r.kind) x), '[]') as running,
    coalesce((
        select jsonb_agg(jsonb_build_object('queue', x.queue, 'kind', x.kind, 'minute', x.at, 'ended', x.ended, 'failed', x.failed, 'tried', x.tried,
            'run', x.run_s, 'histogram', x.run))
        from (select n.queue, n.kind, extract(epoch from n.minute)::bigint as at, n.run, n.run_s,
                     n.completed + n.failed + n.discarded + n.cancelled + n.snoozed + n.handed_back as ended,
                     n.failed + n.discarded as failed, n.completed + n.failed + n.discarded as tried
              from work.minutes n where n.minute > now() - interval '15 min' and n.queue = any (q.names)) x), '[]') as minutes,
    coalesce((
        select jsonb_agg(jsonb_build_object('id', w.id, 'index', coalesce(w.index, 0), 'slots', w.slots, 'queues', greatest(1, cardinality(w.queues)),
            'running', greatest(w.running, (select count(*) from river.river_job j where j.state = 'running' and jobs.runner(j.attempted_by) = w.id)),
            'draining', w.draining, 'drained', w.drained_at is not null, 'release', w.release, 'started', extract(epoch from w.started_at),
            'ours', exists (select from work.scale_drain d where d.worker = w.id)) order by w.index, w.id)
        from work.worker w
        where w.stopped_at is null and w.dead_at is null and w.seen_at > now() - interval '12 s'
          and coalesce(substring(w.dyno from '^[^.-]+'), w.process_type) = m.process_type), '[]') as workers
from (select *, case when boot > 0 then boot else 45 end + 5 as ahead from mine) m
cross join lateral (
    select coalesce(array_agg(r.name), '{}') as names from river.river_queue r
    where r.paused_at is null and (m.queues = '{}' or r.name = any (m.queues))) q
order by m.process_type
