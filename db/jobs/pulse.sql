-- jobs.pulse: the last hour of each queue, for small charts.

create view jobs.pulse as
select m.queue, array_agg(m.ended order by m.at) as ended, array_agg(m.failed order by m.at) as failed
from (
    select q.queue, g.at, coalesce(s.ended, 0) as ended, coalesce(s.failed, 0) as failed
    from (select distinct queue from work.minutes where minute > now() - interval '1 hour') q
    cross join generate_series(date_trunc('minute', now()) - interval '60 min', date_trunc('minute', now()) - interval '1 min', interval '1 min') g (at)
    left join (
        select queue, minute, sum(completed + failed + discarded + cancelled + snoozed + handed_back) as ended, sum(failed + discarded) as failed
        from work.minutes where minute > now() - interval '62 min' group by queue, minute) s on s.queue = q.queue and s.minute = g.at) m
group by m.queue;

comment on view jobs.pulse is 'The attempts of each queue in the last 60 complete minutes: 60 counts each, the oldest minute first. Queues without any have no row.';
comment on column jobs.pulse.queue is 'The queue.';
comment on column jobs.pulse.ended is 'Attempts of every outcome.';
comment on column jobs.pulse.failed is 'Those that failed or were discarded.';
