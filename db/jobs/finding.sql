-- jobs.finding_now and jobs.finding: what needs attention.

create view jobs.finding_now as
with recursive ready as ( -- by steps through the index of available jobs: a step for each queue and priority, however many jobs wait
    (select queue, priority, scheduled_at from river.river_job where state = 'available' order by queue, priority, scheduled_at limit 1)
    union all
    select n.queue, n.priority, n.scheduled_at
    from ready r cross join lateral (
        select j.queue, j.priority, j.scheduled_at from river.river_job j
        where j.state = 'available' and (j.queue, j.priority) > (r.queue, r.priority)
        order by j.queue, j.priority, j.scheduled_at limit 1) n
), waiting as ( -- jobs.takes for each queue and worker would compare each name of a queue with each
    select r.queue, r.oldest,
           (select exists (select from jobs.live x where not x.draining and jobs.takes(x.queues, '{}', '', '')))
               or r.queue = 'alone' and (select exists (select from jobs.live x where not x.draining))
               or r.queue in (select unnest(x.queues) from jobs.live x where not x.draining) as taken
    from (select queue, now() - greatest(min(scheduled_at), now() - interval '10 years') as oldest from ready
          where queue not in (select queue from jobs.aside) group by queue) r
), live as (
    select count(*) as alive, count(*) filter (where draining) as draining from jobs.live
), trend as materialized ( -- two findings read it; percentiles are left out, which take most of its time
    select t.kind, t.failing_share, t.release, t.release_at, t.failing_share_since_release, t.failing_share_before_release,
           t.attempts_since_release >= 10 and t.release_at > now() - interval '1 day' and t.failing_share_since_release >= 0.1
               and t.failing_share_since_release >= 3 * coalesce(t.failing_share_before_release, 1) as since_release
    from jobs.trend t where t.attempts >= 10 and t.failing_share >= 0.05 and t.kind not in (select kind from jobs.aside)
), facts as (
    select 1 as rank, 'broken' as severity, 'workers' as area, 'no_worker' as code, '' as subject,
           format('No worker is alive, and %s jobs wait.', (select count(*) from river.river_job where state = 'available')) as sentence,
           'Start one: heroku ps:scale worker=1, or backlist worker.' as advice, 'workers' as page, null::text as search
    from live where alive = 0 and exists (select from ready)
    union all
    select 20, 'warning', 'workers', 'no_worker', '', 'No worker is alive. No job waits yet.',
           'Start one: heroku ps:scale worker=1, or backlist worker.', 'workers', null
    from live where alive = 0 and not exists (select from ready)
    union all
    select 3, 'warning', 'workers', 'all_draining', '', format('All live workers (%s) are draining: no job is started.', alive),
           'select jobs.undrain(worker, ''why'') from jobs.worker where draining and alive;', 'workers', null
    from live where alive > 0 and draining = alive
    union all
    select 15, 'warning', 'workers', 'worker_silent', w.worker,
           format('Worker %s has sent no heartbeat for 12 s and is not declared dead yet.', w.worker),
           'If no other worker is alive, start one: it takes over the jobs.', 'workers', null
    from jobs.worker w where w.status = 'silent'
    union all
    select 4, 'broken', 'queues', 'queue_unattended', w.queue,
           format('%s jobs wait in queue %s, which no live worker takes.', (select count(*) from river.river_job j where j.state = 'available' and j.queue = w.queue), w.queue),
           'Start a worker that takes it, or cancel its jobs.', 'queues', w.queue
    from waiting w cross join live l left join river.river_queue q on q.name = w.queue
    where l.alive > l.draining and q.paused_at is null and not w.taken
    union all
    select 5, 'broken', 'kinds', 'kind_unknown', k.kind,
           format('%s jobs of kind %s wait, which no live worker knows.', k.available, k.kind),
           'Start a worker of a release that knows it, or cancel them.', 'jobs', k.kind
    from (select j.kind, count(*) as available from river.river_job j cross join live l
          where j.state = 'available' and l.alive > l.draining
            and not exists (select from jobs.live x where not x.draining and jobs.takes('{}', x.kinds, '', '')) -- it takes every kind
            and j.kind not in (select unnest(x.kinds) from jobs.live x where not x.draining)
            and j.kind not in (select kind from jobs.aside)
          group by j.kind) k
    union all
    select 6, 'broken', 'failing', 'release_fails', t.kind,
           format('%s has failed %s %% of its attempts since release %s; before, it failed %s %%.', t.kind,
               round((100 * t.failing_share_since_release)::numeric), t.release, round((100 * t.failing_share_before_release)::numeric)),
           'Look at the error. If the release broke it, roll back or fix it, then retry its jobs.',
           case when e.fingerprint is null then 'failing' else 'error' end, coalesce(e.fingerprint, t.kind)
    from trend t
    left join lateral ( -- the error that the release brought: its most frequent one, but one that was not seen before comes first
        select h.fingerprint
        from work.error_hour h join work.error o on o.fingerprint = h.fingerprint
        where h.hour >= date_trunc('hour', t.release_at, 'UTC') and h.kind = t.kind and h.release = t.release
        group by h.fingerprint, o.first_release
        order by o.first_release = t.release desc, sum(h.attempts) desc, h.fingerprint
        limit 1) e on true
    where t.since_release is true
    union all
    select 10, case when t.failing_share >= 0.5 then 'broken' else 'warning' end, 'failing', 'kind_fails', t.kind,
           format('%s has failed %s %% of its attempts in the last hour.', t.kind, round((100 * t.failing_share)::numeric)),
           'Look at its errors.', 'failing', t.kind
    from trend t where t.failing_share >= 0.2 and t.since_release is not true
    union all
    select 8, 'warning', 'targets', case t.state when 'spent' then 'target_spent' else 'target_burning' end, t.queue,
           case t.state when 'spent' then format('Queue %s has used its error budget of 30 days.', t.queue)
               else format('Queue %s uses its error budget %s times as fast as it lasts.', t.queue, round(greatest(t.burn_1h, t.burn_6h)::numeric)) end,
           'See which kind is late, and give the queue more workers.', 'queues', t.queue
    from jobs.wait_target t where t.state in ('spent', 'burning')
    union all
    select case when q.paused_at < now() - interval '10 min' then 9 else 16 end, 'warning', 'queues', 'queue_paused', q.name,
           format('Queue %s has been paused since %s%s%s; %s jobs wait in it.', q.name, to_char(q.paused_at, 'YYYY-MM-DD HH24:MI TZ'), ' by ' || a.who, ' (' || a.reason || ')',
               (select count(*) from river.river_job j where j.state = 'available' and j.queue = q.name)),
           format('select * from jobs.resume(%L, ''why'');', q.name), 'queues', q.name
    from river.river_queue q left join lateral (
        select who, reason from work.audit
        where job_id is null and queue = q.name and act = 'pause' and at = q.paused_at order by id desc limit 1) a on true
    where q.paused_at is not null
    union all
    select 9, 'warning', 'waiting', 'queue_waits', w.queue,
           format('The oldest job of queue %s has waited for %s.', w.queue, case
               when w.oldest < interval '1 hour' then extract(minute from w.oldest) || ' min'
               else round(extract(epoch from w.oldest) / 3600, 1) || ' h' end),
           'The queue needs more workers, or something blocks it.', 'queues', w.queue
    from waiting w cross join live l left join river.river_queue q on q.name = w.queue
    where w.oldest > interval '5 min' and q.paused_at is null and (w.taken or l.alive = l.draining)
    union all
    select 7, 'broken', 'schedules', case when s.broken is not null then 'schedule_broken' else 'schedule_overdue' end, s.name,
           case when s.broken is not null then format('Schedule %s is broken. %s.', s.name, s.broken)
               else format('Schedule %s (%s) has been overdue since %s.', s.name, case when s.dirty then s.spec else s.words end, to_char(s.next_at, 'YYYY-MM-DD HH24:MI TZ')) end,
           case when s.broken is not null then format('Correct it where it is declared, or: update work.schedule set … where name = %L;', s.name)
               else 'Workers see to schedules, and web processes where there is no worker: is one alive?' end, 'schedules', s.name
    from work.schedule s where s.retired_at is null and (s.broken is not null or s.paused_at is null and s.next_at < now() - interval '1 min')
    union all
    select 17, 'warning', 'schedules', 'schedule_missed', t.schedule,
           format('Schedule %s missed %s runs in the last day.', t.schedule, t.missed), 'No process was alive when they were due.', 'schedules', t.schedule
    from (select schedule, sum(missed) + count(*) filter (where outcome = 'skipped') as missed
          from work.tick where due_at > now() - interval '1 day' and (missed > 0 or outcome = 'skipped') group by schedule) t
    union all
    select 12, 'warning', 'errors', 'error_regressed', e.fingerprint, format('An error that was marked as fixed is back: %s', left(e.message, 200)),
           'Look at the release in which it was seen.', 'error', e.fingerprint
    from work.error e where e.last_seen_at > e.resolved_at and e.muted_at is null and e.last_seen_at > now() - interval '1 day'
      and exists (select from work.error_hour h where h.fingerprint = e.fingerprint and h.kind not in (select kind from jobs.aside))
    union all
    select 13, 'warning', 'leader', 'no_leader', '', 'No process leads: finished jobs and unused queues are not deleted. Everything else continues.',
           'A worker or web process should lead within 15 s of its start.', 'workers', null
    from (select count(*) as n, bool_or(expires_at > now()) as leads, bool_and(leader_id is null) as replica from jobs.leader()) l
    where n = 0 or not leads and not replica
    union all
    select 11, 'warning', 'scale', 'scale_stuck', s.process_type, format('The number of %s processes is not planned well. %s', s.process_type, coalesce(s.problem,
               case when s.running is not true then 'No web process decides about it.' else s.sentence end)),
           case when s.running is not true then 'Web processes decide within a few seconds: is one running? select jobs.set_scale_mode(...) turns it off.'
               else 'select * from jobs.scale_decision order by id desc limit 10; shows what was measured.' end, 'scale', s.process_type
    from jobs.scale s
    where s.mode <> 'off' and s.set_at < now() - interval '1 min'
      and (s.problem is not null or s.running is not true or s.code in ('crashing', 'failing', 'unidentified', 'invalid_target', 'stale', 'paused'))
    union all
    select case h.status when 'bad' then 2 else 14 end, case h.status when 'bad' then 'broken' else 'warning' end, 'health', 'health_' || h.area, h.name,
           format('%s %s: %s %s (%s).', initcap(h.area), h.name, h.value, h.unit, rtrim(h.detail, '.')), h.advice, 'health', null
    from jobs.health h where h.status <> 'ok' and h.area <> 'service'
)
select severity, area, code, subject, sentence, advice, page, search, rank from facts order by rank, subject;

comment on view jobs.finding_now is 'What needs attention at this moment, most urgent first; no rows if all is well. It leaves out jobs.aside. jobs.finding is quicker. backlist doctor has more checks.';
comment on column jobs.finding_now.severity is 'broken (jobs do not run, or fail) or warning.';
comment on column jobs.finding_now.area is 'What it is about: workers, queues, kinds, failing, targets, waiting, schedules, scale, errors, leader or health.';
comment on column jobs.finding_now.code is 'The finding for programs: no_worker, all_draining, worker_silent, queue_unattended, queue_paused, queue_waits, kind_unknown, release_fails (a kind fails more often since the newest release), kind_fails, target_spent, target_burning, schedule_broken, schedule_overdue, schedule_missed, error_regressed, no_leader, scale_stuck, or health_ and an area of jobs.health.';
comment on column jobs.finding_now.subject is 'The worker, queue, kind, schedule, error, process type or fact of jobs.health; may be empty.';
comment on column jobs.finding_now.sentence is 'The finding in a sentence.';
comment on column jobs.finding_now.advice is 'What to do about it.';
comment on column jobs.finding_now.page is 'Where to look: workers, queues, jobs (waiting ones of a kind), failing (failed ones of a kind), error, schedules, scale or health.';
comment on column jobs.finding_now.search is 'What to look for there: the queue, kind, schedule, process type or fingerprint; may be null.';
comment on column jobs.finding_now.rank is 'The order: 1 is most urgent.';

-- What maintenance has found, unless it is too old or an act has followed it: then, as where no process does maintenance, what is so now.
create view jobs.finding as
with kept as materialized (
    select k.at, k.list from work.finding k
    where k.at > now() - interval '15 s' and k.at >= coalesce((select a.at from work.audit a order by a.id desc limit 1), '-infinity')
)
select f.severity, f.area, f.code, f.subject, f.sentence, f.advice, f.page, f.search, f.rank, k.at
from kept k
cross join lateral jsonb_to_recordset(k.list) as f (severity text, area text, code text, subject text, sentence text, advice text, page text, search text, rank int)
union all
select n.severity, n.area, n.code, n.subject, n.sentence, n.advice, n.page, n.search, n.rank, now()
from jobs.finding_now n
where not exists (select from kept);

comment on view jobs.finding is 'What needs attention, most urgent first; no rows if all is well. Maintenance finds it about every 5 s, the 1,000 most urgent. If that is older than 15 s or than the latest act, it is found at once, as in jobs.finding_now.';
comment on column jobs.finding.severity is 'As in jobs.finding_now.';
comment on column jobs.finding.area is 'As in jobs.finding_now.';
comment on column jobs.finding.code is 'As in jobs.finding_now.';
comment on column jobs.finding.subject is 'As in jobs.finding_now.';
comment on column jobs.finding.sentence is 'As in jobs.finding_now.';
comment on column jobs.finding.advice is 'As in jobs.finding_now.';
comment on column jobs.finding.page is 'As in jobs.finding_now.';
comment on column jobs.finding.search is 'As in jobs.finding_now.';
comment on column jobs.finding.rank is 'As in jobs.finding_now.';
comment on column jobs.finding.at is 'When it was found.';
