-- jobs.trend: the last hour of each kind beside the day before, and since the newest release.

create view jobs.trend as
with newest as (
    select name, first_seen_at from work.release order by first_seen_at desc, name desc limit 1
), hour as (
    select m.kind, sum(m.completed + m.failed + m.discarded) as attempts, sum(m.failed + m.discarded) as failed,
           sum(m.completed + m.failed + m.discarded) filter (where m.release = n.name) as attempts_since,
           sum(m.failed + m.discarded) filter (where m.release = n.name) as failed_since,
           array[sum(run[1]), sum(run[2]), sum(run[3]), sum(run[4]), sum(run[5]), sum(run[6]), sum(run[7]), sum(run[8]),
                 sum(run[9]), sum(run[10]), sum(run[11]), sum(run[12]), sum(run[13]), sum(run[14]), sum(run[15]),
                 sum(run[16]), sum(run[17]), sum(run[18]), sum(run[19]), sum(run[20]), sum(run[21]), sum(run[22]),
                 sum(run[23]), sum(run[24]), sum(run[25]), sum(run[26])] as run
    from (select kind, release, completed, failed, discarded, run || '{}' as run -- see jobs.percentile
          from work.minutes where minute > now() - interval '1 hour' offset 0) m
    left join newest n on true
    group by m.kind
), day as (
    select h.kind, sum(h.completed + h.failed + h.discarded) as attempts, sum(h.failed + h.discarded) as failed,
           sum(h.completed + h.failed + h.discarded) filter (where h.release is distinct from n.name) as attempts_before,
           sum(h.failed + h.discarded) filter (where h.release is distinct from n.name) as failed_before,
           array[sum(run[1]), sum(run[2]), sum(run[3]), sum(run[4]), sum(run[5]), sum(run[6]), sum(run[7]), sum(run[8]),
                 sum(run[9]), sum(run[10]), sum(run[11]), sum(run[12]), sum(run[13]), sum(run[14]), sum(run[15]),
                 sum(run[16]), sum(run[17]), sum(run[18]), sum(run[19]), sum(run[20]), sum(run[21]), sum(run[22]),
                 sum(run[23]), sum(run[24]), sum(run[25]), sum(run[26])] as run
    from (select kind, release, completed, failed, discarded, run || '{}' as run
          from work.hour where hour > now() - interval '26 hours' and hour <= now() - interval '2 hours' offset 0) h
    left join newest n on true
    group by h.kind
)
select h.kind, h.attempts, h.failed,
       h.failed::float8 / nullif(h.attempts, 0) as failing_share,
       d.failed::float8 / nullif(d.attempts, 0) as failing_share_before,
       q.run_p95, q.run_p95_before,
       n.name as release, n.first_seen_at as release_at,
       coalesce(h.attempts_since, 0) as attempts_since_release,
       h.failed_since::float8 / nullif(h.attempts_since, 0) as failing_share_since_release,
       (coalesce(d.failed_before, 0) + h.failed - coalesce(h.failed_since, 0))::float8
           / nullif(coalesce(d.attempts_before, 0) + h.attempts - coalesce(h.attempts_since, 0), 0) as failing_share_before_release
from hour h
left join day d on d.kind = h.kind
left join newest n on true
left join lateral ( -- as in jobs.minute
    select (jobs.quantiles(h.run, '{0.95}'))[1] as run_p95, (jobs.quantiles(d.run, '{0.95}'))[1] as run_p95_before offset 0) q on true;

comment on view jobs.trend is 'The attempts of each kind in the last hour beside those of the day before it, and beside those of other releases than the newest. The day ends with the last hour that maintenance has summed up.';
comment on column jobs.trend.kind is 'The kind.';
comment on column jobs.trend.attempts is 'Attempts of the last hour that completed or failed.';
comment on column jobs.trend.failed is 'Those of them that failed.';
comment on column jobs.trend.failing_share is 'The share of the failed ones, from 0 to 1.';
comment on column jobs.trend.failing_share_before is 'The same of the day before; null if there were no attempts.';
comment on column jobs.trend.run_p95 is '95th percentile of the run times of the last hour.';
comment on column jobs.trend.run_p95_before is 'The same of the day before.';
comment on column jobs.trend.release is 'The newest release.';
comment on column jobs.trend.release_at is 'When its first process started.';
comment on column jobs.trend.attempts_since_release is 'Attempts of the last hour that ran on the newest release.';
comment on column jobs.trend.failing_share_since_release is 'The share of the failed ones among them; null if there were none.';
comment on column jobs.trend.failing_share_before_release is 'The share of the failed ones on other releases, in the last hour and the day before; null if there were none.';
