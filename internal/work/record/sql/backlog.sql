-- Counts unfinished jobs, unless another process has counted in this minute: a row for all queues, and for the 50 queues that have most.
with counted as (
    select coalesce(u.queue, '') as queue, sum(available) as available, sum(running) as running, sum(retryable) as retryable
    from (
        select queue, count(*) as available, 0 as running, 0 as retryable from river.river_job where state = 'available' group by queue
        union all
        select queue, 0, count(*), 0 from river.river_job where state = 'running' group by queue
        union all
        select queue, 0, 0, count(*) from river.river_job where state = 'retryable' group by queue) u
    where not exists (select from work.backlog b where b.queue = '' and b.minute = date_trunc('minute', now()))
    group by grouping sets ((u.queue), ())
)
insert into work.backlog (queue, minute, available, running, retryable)
select queue, date_trunc('minute', now()), coalesce(available, 0), coalesce(running, 0), coalesce(retryable, 0)
from counted
where (select pg_try_advisory_xact_lock(@lock))
order by queue <> '', available + running + retryable desc nulls last limit 51
on conflict do nothing
