-- jobs.series: what charts show of an interval, in buckets.

create function jobs.series(past interval, queue text default null, kind text default null)
returns table (at timestamptz, span interval, growing boolean, completed bigint, failed bigint, discarded bigint, ended bigint,
    ended_per_second float8, judged bigint, late bigint, wait_p50 interval, wait_p95 interval, wait_p99 interval,
    run_p50 interval, run_p95 interval, run_p99 interval, available int, running int, retryable int)
language plpgsql stable set search_path = pg_catalog, pg_temp set jit = off set plan_cache_mode = force_custom_plan as $$
#variable_conflict use_column
declare
    origin constant timestamptz := '2000-01-01Z';
    step interval;
    since timestamptz; -- the first bucket
    source text;
    summed timestamptz; -- the end of what maintenance has summed up in the source
begin
    if past is null or not past between interval '5 min' and interval '90 days' then
        raise exception 'past is how far to look back, from 5 minutes to 90 days, as in interval ''24 h''.' using errcode = '22023';
    end if;
    step := case
        when past <= interval '3 h' then '1 min' when past <= interval '6 h' then '2 min' when past <= interval '15 h' then '5 min'
        when past <= interval '30 h' then '10 min' when past <= interval '90 h' then '30 min' when past <= interval '120 h' then '1 h'
        when past <= interval '360 h' then '2 h' when past <= interval '1080 h' then '6 h' else '12 h' end::interval;
    since := date_bin(step, now() - past, origin) + step;
    source := case
        when step < interval '10 min' or kind is not null and step < interval '1 h' then 'minute'
        when kind is null then 'ten_minutes' else 'hour' end;
    summed := case when source = 'minute' then since else greatest(since, work.summed(source)) end;
    return query
    with attempts as (
        select t.at, t.completed, t.failed, t.discarded, t.ended, t.judged, t.late,
            t.wait || '{}' as wait, t.run || '{}' as run -- see jobs.percentile
        from work.ten_minutes t
        where source = 'ten_minutes' and t.at >= since and t.at < summed and (series.queue is null or t.queue = series.queue)
        union all
        select h.hour, h.completed, h.failed, h.discarded,
            h.completed + h.failed + h.discarded + h.cancelled + h.snoozed + h.handed_back, h.judged, h.late,
            h.wait || '{}', h.run || '{}'
        from work.hour h
        where source = 'hour' and h.hour >= since and h.hour < summed and h.kind = series.kind and (series.queue is null or h.queue = series.queue)
        union all
        select m.minute, m.completed, m.failed, m.discarded,
            m.completed + m.failed + m.discarded + m.cancelled + m.snoozed + m.handed_back, m.judged, m.late,
            m.wait || '{}', m.run || '{}'
        from work.minutes m
        where m.minute >= summed and (series.queue is null or m.queue = series.queue) and (series.kind is null or m.kind = series.kind)
        offset 0
    ), sums as (
        select date_bin(step, a.at, origin) as bucket, sum(a.completed) as completed, sum(a.failed) as failed,
            sum(a.discarded) as discarded, sum(a.ended) as ended, sum(a.judged) as judged, sum(a.late) as late,
            array[sum(a.wait[1]), sum(a.wait[2]), sum(a.wait[3]), sum(a.wait[4]), sum(a.wait[5]), sum(a.wait[6]), sum(a.wait[7]),
                sum(a.wait[8]), sum(a.wait[9]), sum(a.wait[10]), sum(a.wait[11]), sum(a.wait[12]), sum(a.wait[13]),
                sum(a.wait[14]), sum(a.wait[15]), sum(a.wait[16]), sum(a.wait[17]), sum(a.wait[18]), sum(a.wait[19]),
                sum(a.wait[20]), sum(a.wait[21]), sum(a.wait[22]), sum(a.wait[23]), sum(a.wait[24]), sum(a.wait[25]),
                sum(a.wait[26])] as wait,
            array[sum(a.run[1]), sum(a.run[2]), sum(a.run[3]), sum(a.run[4]), sum(a.run[5]), sum(a.run[6]), sum(a.run[7]),
                sum(a.run[8]), sum(a.run[9]), sum(a.run[10]), sum(a.run[11]), sum(a.run[12]), sum(a.run[13]), sum(a.run[14]),
                sum(a.run[15]), sum(a.run[16]), sum(a.run[17]), sum(a.run[18]), sum(a.run[19]), sum(a.run[20]), sum(a.run[21]),
                sum(a.run[22]), sum(a.run[23]), sum(a.run[24]), sum(a.run[25]), sum(a.run[26])] as run
        from attempts a group by 1
    ), counts as ( -- each has a row for all queues; a queue without one had no such jobs then
        select date_bin(step, b.minute, origin) as bucket, max(q.available) as available, max(q.running) as running, max(q.retryable) as retryable
        from work.backlog b
        left join work.backlog q on series.queue is not null and q.queue = series.queue and q.minute = b.minute
        where series.kind is null and series.queue is not null and b.queue = '' and b.minute >= since
        group by 1
        union all
        select date_bin(step, b.minute, origin), max(b.available), max(b.running), max(b.retryable)
        from work.backlog b
        where series.kind is null and series.queue is null and b.queue = '' and b.minute >= since
        group by 1
    )
    select g.at, step, g.at + step > now(),
        coalesce(s.completed, 0)::bigint, coalesce(s.failed, 0)::bigint, coalesce(s.discarded, 0)::bigint, coalesce(s.ended, 0)::bigint,
        coalesce(s.ended, 0) / greatest(extract(epoch from least(g.at + step, now()) - g.at), 1)::float8,
        coalesce(s.judged, 0)::bigint, coalesce(s.late, 0)::bigint,
        q.wait[1], q.wait[2], q.wait[3], q.run[1], q.run[2], q.run[3],
        case when c.bucket is not null then coalesce(c.available, 0) end, case when c.bucket is not null then coalesce(c.running, 0) end,
        case when c.bucket is not null then coalesce(c.retryable, 0) end
    from generate_series(since, now(), step) g (at)
    left join sums s on s.bucket = g.at
    left join counts c on c.bucket = g.at
    left join lateral (
        select jobs.quantiles(s.wait, '{0.5,0.95,0.99}', s.ended::bigint) as wait, jobs.quantiles(s.run, '{0.5,0.95,0.99}', s.ended::bigint) as run offset 0) q on true
    order by g.at;
end $$;
comment on function jobs.series is 'The past interval in 60 to 180 buckets, oldest first, for charts: of everything, of a queue, of a kind or of both. at is a bucket''s start and span its length: 1 minute for up to 3 hours, 10 for a day, 2 hours for a week, 6 hours for 30 days, 12 hours for 90 days, and lengths in between. growing marks the last bucket, which is not complete. Then come the attempts that ended in it: completed, failed (will be retried), discarded, ended (of every outcome) and ended per second; those that were judged by a wait target and those of them that were late; percentiles of their waits and run times, null if there were none. available, running and retryable are the highest backlog that was counted in the bucket (once a minute, for 30 days): null if it was not counted, or for a kind.';
