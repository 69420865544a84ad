-- jobs.kind: the kinds of job, with their load, speed and failures.

create view jobs.kind as
with unfinished as ( -- one part for each partial index
    select kind, sum(available) as available, sum(running) as running, sum(scheduled) as scheduled, sum(retryable) as retryable, sum(pending) as pending
    from (
        select kind, count(*) as available, 0 as running, 0 as scheduled, 0 as retryable, 0 as pending
        from river.river_job where state = 'available' group by kind
        union all
        select kind, 0, count(*), 0, 0, 0 from river.river_job where state = 'running' group by kind
        union all
        select kind, 0, 0, count(*) filter (where state = 'scheduled'), count(*) filter (where state = 'retryable'), count(*) filter (where state = 'pending')
        from river.river_job where state in ('pending', 'retryable', 'scheduled') group by kind) u
    group by kind
), hour as (
    select kind, sum(completed) as completed, sum(failed + discarded) as failed,
           array[sum(wait[1]), sum(wait[2]), sum(wait[3]), sum(wait[4]), sum(wait[5]), sum(wait[6]), sum(wait[7]), sum(wait[8]),
                 sum(wait[9]), sum(wait[10]), sum(wait[11]), sum(wait[12]), sum(wait[13]), sum(wait[14]), sum(wait[15]),
                 sum(wait[16]), sum(wait[17]), sum(wait[18]), sum(wait[19]), sum(wait[20]), sum(wait[21]), sum(wait[22]),
                 sum(wait[23]), sum(wait[24]), sum(wait[25]), sum(wait[26])] as wait,
           array[sum(run[1]), sum(run[2]), sum(run[3]), sum(run[4]), sum(run[5]), sum(run[6]), sum(run[7]), sum(run[8]),
                 sum(run[9]), sum(run[10]), sum(run[11]), sum(run[12]), sum(run[13]), sum(run[14]), sum(run[15]),
                 sum(run[16]), sum(run[17]), sum(run[18]), sum(run[19]), sum(run[20]), sum(run[21]), sum(run[22]),
                 sum(run[23]), sum(run[24]), sum(run[25]), sum(run[26])] as run
    from (select kind, completed, failed, discarded, wait || '{}' as wait, run || '{}' as run
          from work.minutes where minute > now() - interval '1 hour' offset 0) m
    group by kind
), day as (
    select kind, sum(completed) as completed, sum(failed) as failed, sum(discarded) as discarded, sum(cancelled) as cancelled,
           sum(run_s) as run_s, max(minute) as last_at
    from work.minutes where minute > now() - interval '1 day' group by kind
), live as (
    select kinds from jobs.live where not draining
), names as (
    select kind from work.kind
    union select kind from unfinished
    union select kind from day
)
select n.kind,
       k.kind is not null                   as registered,
       coalesce(u.available, 0)             as available,
       coalesce(u.running, 0)               as running,
       coalesce(u.scheduled, 0)             as scheduled,
       coalesce(u.retryable, 0)             as retryable,
       coalesce(u.pending, 0)               as pending,
       coalesce(d.completed, 0)             as completed_day,
       coalesce(d.failed, 0)                as failed_day,
       coalesce(d.discarded, 0)             as discarded_day,
       coalesce(d.cancelled, 0)             as cancelled_day,
       h.failed / nullif(h.completed + h.failed, 0)::float8 as failing_share,
       q.wait[1] as wait_p50,
       q.wait[2] as wait_p95,
       q.wait[3] as wait_p99,
       q.run[1] as run_p50,
       q.run[2] as run_p95,
       q.run[3] as run_p99,
       make_interval(secs => coalesce(d.run_s, 0)) as run_day,
       d.last_at,
       (select count(*) from live where jobs.takes('{}', kinds, null, n.kind)) as workers,
       coalesce(k.secrets, '{}')            as secrets,
       coalesce(k.opts, '{}')               as opts,
       k.release,
       k.args_schema,
       jobs.redact(k.args_example, k.secrets) as args_example,
       coalesce(k.brief, false) as brief
from names n
left join work.kind k on k.kind = n.kind
left join unfinished u on u.kind = n.kind
left join hour h on h.kind = n.kind
left join day d on d.kind = n.kind
left join lateral (
    select jobs.quantiles(h.wait, '{0.5,0.95,0.99}') as wait, jobs.quantiles(h.run, '{0.5,0.95,0.99}') as run offset 0) q on true;

comment on view jobs.kind is 'Every kind of job that a process has registered, that has unfinished jobs or that ran within a day, one row each.';
comment on column jobs.kind.kind is 'The kind''s name, as in send_invoice.';
comment on column jobs.kind.registered is 'A process has registered the kind. If none has, its jobs will not run.';
comment on column jobs.kind.available is 'Jobs that are ready to run.';
comment on column jobs.kind.running is 'Running jobs, without those that run in batches.';
comment on column jobs.kind.scheduled is 'Jobs scheduled for later.';
comment on column jobs.kind.retryable is 'Failed jobs that will be retried.';
comment on column jobs.kind.pending is 'Jobs that wait until they are released.';
comment on column jobs.kind.completed_day is 'Attempts that completed in the last 24 hours.';
comment on column jobs.kind.failed_day is 'Attempts that failed in the last 24 hours and were, or will be, retried.';
comment on column jobs.kind.discarded_day is 'Attempts that failed for good in the last 24 hours.';
comment on column jobs.kind.cancelled_day is 'Attempts that were cancelled in the last 24 hours.';
comment on column jobs.kind.failing_share is 'Share of failed attempts among the failed and completed ones of the last hour, from 0 to 1; null if there were none.';
comment on column jobs.kind.wait_p50 is 'Median wait of the attempts of the last hour.';
comment on column jobs.kind.wait_p95 is '95th percentile of their wait.';
comment on column jobs.kind.wait_p99 is '99th percentile of their wait.';
comment on column jobs.kind.run_p50 is 'Median run time of those attempts.';
comment on column jobs.kind.run_p95 is '95th percentile of their run time.';
comment on column jobs.kind.run_p99 is '99th percentile of their run time.';
comment on column jobs.kind.run_day is 'Total run time in the last 24 hours: what the kind costs.';
comment on column jobs.kind.last_at is 'The latest minute in which an attempt ended, within a day.';
comment on column jobs.kind.workers is 'Live workers that know the kind and do not drain. A worker that does not name its kinds counts for every kind.';
comment on column jobs.kind.secrets is 'Keys in args and metadata whose values are [redacted], besides those that look secret.';
comment on column jobs.kind.opts is 'The kind''s own options, which jobs.enqueue uses for those not given: {"queue", "priority", "max_attempts", "tags", "unique": {"args", "keys", "period" (in seconds), "queue", "states", "exclude_kind"}}.';
comment on column jobs.kind.release is 'The release that registered the kind last.';
comment on column jobs.kind.args_schema is 'The JSON Schema of the args, derived from their Go type; null if not known.';
comment on column jobs.kind.args_example is 'Made-up args that fit the schema; null if not known. Secrets are [redacted].';
comment on column jobs.kind.brief is 'Its jobs run in batches, in a queue of their own: see jobs.job.state.';

create view jobs.kind_args as
select k.kind, k.args_schema, jobs.redact(k.args_example, k.secrets) as args_example, k.secrets <> '{}' as marks_secrets, k.secrets, k.brief
from work.kind k
left join (select) readonly on true;

comment on view jobs.kind_args is 'What the arguments of each registered kind look like: for forms. Quicker than jobs.kind, which counts jobs.';
comment on column jobs.kind_args.kind is 'The kind.';
comment on column jobs.kind_args.args_schema is 'As jobs.kind.args_schema.';
comment on column jobs.kind_args.args_example is 'As jobs.kind.args_example.';
comment on column jobs.kind_args.marks_secrets is 'The kind marks keys as secret: see jobs.kind.secrets. jobs.copy then allows no changes.';
comment on column jobs.kind_args.secrets is 'As jobs.kind.secrets.';
comment on column jobs.kind_args.brief is 'As jobs.kind.brief.';
