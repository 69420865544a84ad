-- jobs.queue: every queue. The acts on them are in switch.sql.

create view jobs.queue as
with waiting as (
    select queue, count(*) as available, min(scheduled_at) as oldest
    from river.river_job where state = 'available' group by queue
), later as (
    select queue, count(*) filter (where state = 'scheduled') as scheduled, count(*) filter (where state = 'retryable') as retryable,
           count(*) filter (where state = 'pending') as pending
    from river.river_job where state in ('pending', 'retryable', 'scheduled') group by queue
), running as (
    select queue, count(*) as running, count(*) filter (where attempted_at > now() - interval '5 min') as begun
    from river.river_job where state = 'running' group by queue
), lately as (
    select queue, sum(completed) as completed, sum(failed + discarded) as failed, sum(completed + discarded + cancelled) as finished,
           sum(completed + failed + discarded + cancelled + snoozed + handed_back) as ended,
           array[sum(wait[1]), sum(wait[2]), sum(wait[3]), sum(wait[4]), sum(wait[5]), sum(wait[6]), sum(wait[7]),
                 sum(wait[8]), sum(wait[9]), sum(wait[10]), sum(wait[11]), sum(wait[12]), sum(wait[13]), sum(wait[14]),
                 sum(wait[15]), sum(wait[16]), sum(wait[17]), sum(wait[18]), sum(wait[19]), sum(wait[20]), sum(wait[21]),
                 sum(wait[22]), sum(wait[23]), sum(wait[24]), sum(wait[25]), sum(wait[26])] as wait,
           array[sum(run[1]), sum(run[2]), sum(run[3]), sum(run[4]), sum(run[5]), sum(run[6]), sum(run[7]), sum(run[8]),
                 sum(run[9]), sum(run[10]), sum(run[11]), sum(run[12]), sum(run[13]), sum(run[14]), sum(run[15]),
                 sum(run[16]), sum(run[17]), sum(run[18]), sum(run[19]), sum(run[20]), sum(run[21]), sum(run[22]),
                 sum(run[23]), sum(run[24]), sum(run[25]), sum(run[26])] as run
    from (select queue, completed, failed, discarded, cancelled, snoozed, handed_back, wait || '{}' as wait, run || '{}' as run
          from work.minutes where minute > now() - interval '5 min' offset 0) m
    group by queue
), took as ( -- the first of those minutes may be partial
    select extract(epoch from now() - date_trunc('minute', now() - interval '4 min')) / 60 as minutes
), live as materialized (
    select queues from jobs.live where not draining
), takers as ( -- jobs.takes for each queue and worker would compare each name of a queue with each
    select queue, count(*) as workers from live cross join lateral unnest(queues) as queue group by queue
), takers_of_all as (
    select count(*) as workers, count(*) filter (where jobs.takes(queues, '{}', '', '')) as unnamed from live
), names as (
    select name from river.river_queue where not jobs.placeholder(name)
    union select queue from waiting
    union select queue from later
    union select queue from running
    union select queue from lately
)
select n.name                                 as queue,
       known.paused_at is not null            as paused,
       known.paused_at,
       a.who                                  as paused_by,
       a.reason                               as paused_reason,
       coalesce(w.available, 0)               as available,
       coalesce(r.running, 0)                 as running,
       coalesce(l.scheduled, 0)               as scheduled,
       coalesce(l.retryable, 0)               as retryable,
       coalesce(l.pending, 0)                 as pending,
       case when w.oldest <= now() then now() - greatest(w.oldest, now() - interval '10 years') end as oldest_wait, -- it may be -infinity
       q.wait[1] as wait_p50,
       q.wait[2] as wait_p95,
       q.wait[3] as wait_p99,
       q.run[1] as run_p50,
       q.run[2] as run_p95,
       q.run[3] as run_p99,
       round((coalesce(m.ended, 0) + coalesce(r.begun, 0)) / t.minutes, 1) as started_per_minute,
       round(coalesce(m.finished, 0) / t.minutes, 1)           as finished_per_minute,
       m.failed / nullif(m.completed + m.failed, 0)::float8     as failing_share,
       case when n.name = 'alone' then every.workers else every.unnamed + coalesce(k.workers, 0) end as workers
from names n
cross join took t
cross join takers_of_all every
left join takers k on k.queue = n.name
left join river.river_queue known on known.name = n.name
left join waiting w on w.queue = n.name
left join later l on l.queue = n.name
left join running r on r.queue = n.name
left join lately m on m.queue = n.name
left join lateral (
    select jobs.quantiles(m.wait, '{0.5,0.95,0.99}') as wait, jobs.quantiles(m.run, '{0.5,0.95,0.99}') as run offset 0) q on true
left join lateral (
    select who, reason from work.audit
    where job_id is null and queue = n.name and act = 'pause' and at = known.paused_at
    order by id desc limit 1) a on true;

comment on view jobs.queue is 'Every queue that a worker has used recently or that has unfinished jobs, one row each. Rates and durations cover the last 5 minutes.';
comment on column jobs.queue.queue is 'The queue''s name.';
comment on column jobs.queue.paused is 'Workers take nothing from it: jobs.pause, jobs.resume.';
comment on column jobs.queue.paused_at is 'Since when.';
comment on column jobs.queue.paused_by is 'Who paused it, if with jobs.pause.';
comment on column jobs.queue.paused_reason is 'Why it was paused.';
comment on column jobs.queue.available is 'Jobs that are ready to run.';
comment on column jobs.queue.running is 'Running jobs, without those that run in batches: jobs.worker.running counts these too.';
comment on column jobs.queue.scheduled is 'Jobs scheduled for later.';
comment on column jobs.queue.retryable is 'Failed jobs that will be retried.';
comment on column jobs.queue.pending is 'Jobs that wait until they are released.';
comment on column jobs.queue.oldest_wait is 'For how long the oldest available job has been due, including the time before a rescue; null if none is due.';
comment on column jobs.queue.wait_p50 is 'Median wait of the attempts that ended in the last 5 minutes.';
comment on column jobs.queue.wait_p95 is '95th percentile of their wait.';
comment on column jobs.queue.wait_p99 is '99th percentile of their wait.';
comment on column jobs.queue.run_p50 is 'Median run time of those attempts.';
comment on column jobs.queue.run_p95 is '95th percentile of their run time.';
comment on column jobs.queue.run_p99 is '99th percentile of their run time.';
comment on column jobs.queue.started_per_minute is 'Attempts per minute that ended in the last 5 minutes, or started in them and still run.';
comment on column jobs.queue.finished_per_minute is 'Jobs per minute that were completed, discarded or cancelled in the last 5 minutes.';
comment on column jobs.queue.failing_share is 'Share of failed attempts among the failed and completed ones of the last 5 minutes, from 0 to 1; null if there were none.';
comment on column jobs.queue.workers is 'Live workers that take from it and do not drain. A worker that does not name its queues counts for every queue.';
