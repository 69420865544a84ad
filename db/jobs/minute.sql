-- jobs.minute: attempts by minute, queue, kind and release; jobs.quantile and jobs.percentile read its histograms.

-- Marked parallel unsafe so that views which use it get no parallel plans: to start parallel workers takes longer than to count
-- 100,000 waiting jobs, and takes CPU time from other queries.
create function jobs.quantiles(histogram bigint[], shares float8[], total bigint default null) returns interval[]
language plpgsql immutable parallel unsafe as $$
declare
    found interval[] := '{}';
    below bigint := 0;
    n bigint;
    i int := 0;
    k int := 1;
    goal float8;
begin
    if total is null then -- most of the time goes into this loop
        total := 0;
        foreach n in array coalesce(histogram, '{}') loop
            total := total + n;
        end loop;
    end if;
    goal := shares[1] * total;
    if total = 0 or goal is null then
        return found; -- its elements are null
    end if;
    foreach n in array histogram loop
        i := i + 1;
        continue when n = 0;
        while below + n >= goal loop
            found[k] := case
                when i = 1 then (goal - below) / n
                when i = 26 then 16777216 -- has no upper end
                else 2.0 ^ (i - 2) * (1 + (goal - below) / n)
            end * interval '1 ms';
            k := k + 1;
            goal := shares[k] * total;
        end loop;
        exit when goal is null; -- after the last share
        below := below + n;
    end loop;
    return found;
end $$;
comment on function jobs.quantiles is 'The durations below which the shares (0 to 1, in ascending order) of a histogram lie, as in jobs.quantiles(histogram, ''{0.5,0.95,0.99}''): one for each share, null if the histogram is empty. See jobs.quantile. Several shares take little longer than one, and a known total (the sum of the counts) halves the time.';

create function jobs.quantile(histogram bigint[], p float8) returns interval
language plpgsql immutable parallel unsafe set search_path = pg_catalog, pg_temp as $$
begin
    if p is null or p < 0 or p > 1 then
        raise exception 'p is a share between 0 and 1, as in 0.95.' using errcode = '22023';
    end if;
    return (jobs.quantiles(histogram, array[p]))[1];
end $$;
comment on function jobs.quantile is 'The duration below which the share p (0 to 1) of a histogram lies. The histogram is one of jobs.minute or a sum of several: 26 counts, the first for less than 1 ms, each next one up to twice as long. Values are assumed to be spread evenly within a count, so the result is right to within a factor of two.';

create view jobs.minute as
select m.minute, m.queue, m.kind, m.release,
       m.completed, m.failed, m.discarded, m.cancelled, m.snoozed, m.handed_back,
       m.completed + m.failed + m.discarded + m.cancelled + m.snoozed + m.handed_back as ended,
       (m.failed + m.discarded)::float8 / nullif(m.completed + m.failed + m.discarded, 0) as failing_share,
       m.judged, m.late,
       q.wait[1] as wait_p50,
       q.wait[2] as wait_p95,
       q.wait[3] as wait_p99,
       q.run[1]  as run_p50,
       q.run[2]  as run_p95,
       q.run[3]  as run_p99,
       make_interval(secs => m.wait_s) as wait_total,
       make_interval(secs => m.run_s)  as run_total,
       m.wait as wait_histogram,
       m.run  as run_histogram
from work.minutes m
left join lateral ( -- offset keeps it a query of its own: otherwise each of its columns would call the functions again
    select jobs.quantiles(m.wait, '{0.5,0.95,0.99}', e.ended) as wait, jobs.quantiles(m.run, '{0.5,0.95,0.99}', e.ended) as run
    from (select m.completed + m.failed + m.discarded + m.cancelled + m.snoozed + m.handed_back as ended) e offset 0) q on true;

comment on view jobs.minute is 'Attempts of the last 30 days, by the minute in which they ended, by queue, kind and release. Use it to count finished jobs. Name a range of minutes. For the percentiles of several minutes, use jobs.percentile, which adds up their histograms.';
comment on column jobs.minute.minute is 'The minute in which the attempts ended. The latest minute is still growing.';
comment on column jobs.minute.queue is 'The queue.';
comment on column jobs.minute.kind is 'The kind.';
comment on column jobs.minute.release is 'The release of their workers. A minute, queue and kind has rows for four releases; attempts of further ones are in a row for others. Empty: not known.';
comment on column jobs.minute.completed is 'Attempts that completed.';
comment on column jobs.minute.failed is 'Attempts that failed and will be retried.';
comment on column jobs.minute.discarded is 'Attempts that failed for good.';
comment on column jobs.minute.cancelled is 'Attempts that were cancelled, by the job itself or by an operator.';
comment on column jobs.minute.snoozed is 'Attempts that snoozed their job.';
comment on column jobs.minute.handed_back is 'Attempts that a stopping worker handed back, that could not read the arguments or that were lost: not failures of the job.';
comment on column jobs.minute.ended is 'The sum of these six counts.';
comment on column jobs.minute.failing_share is 'Share of failed and discarded attempts among those and the completed ones, from 0 to 1; null if there were none.';
comment on column jobs.minute.judged is 'Attempts that were recorded while their queue had a wait target.';
comment on column jobs.minute.late is 'Those of them that had waited longer than the target.';
comment on column jobs.minute.wait_p50 is 'Median of their wait.';
comment on column jobs.minute.wait_p95 is '95th percentile of their wait.';
comment on column jobs.minute.wait_p99 is '99th percentile of their wait.';
comment on column jobs.minute.run_p50 is 'Median of their run time.';
comment on column jobs.minute.run_p95 is '95th percentile of their run time.';
comment on column jobs.minute.run_p99 is '99th percentile of their run time.';
comment on column jobs.minute.wait_total is 'The sum of their waits.';
comment on column jobs.minute.run_total is 'The sum of their run times.';
comment on column jobs.minute.wait_histogram is 'The histogram of their waits, 26 counts: less than 1 ms, less than 2, less than 4, and so on to 2^24 ms and more.';
comment on column jobs.minute.run_histogram is 'The histogram of their run times, like wait_histogram.';

create function jobs.percentile(
    queue text default null, kind text default null, past interval default interval '5 minutes',
    p float8 default 0.95, measure text default 'wait')
returns interval language plpgsql stable set search_path = pg_catalog, pg_temp set jit = off as $$
declare
    h bigint[];
begin
    if measure is null or measure not in ('wait', 'run') then
        raise exception 'measure is ''wait'' or ''run'', not %.', quote_nullable(measure) using errcode = '22023';
    end if;
    if past is null or past <= interval '0' then
        raise exception 'past is how far to look back, as in interval ''1 hour''.' using errcode = '22023';
    end if;
    -- 26 sums are several times as fast as an aggregate over arrays, and twice as fast again if a subquery of its own (offset 0) copies
    -- each array (|| '{}'): from a stored one, Postgres would make a copy for each element.
    select array[sum(b[1]), sum(b[2]), sum(b[3]), sum(b[4]), sum(b[5]), sum(b[6]), sum(b[7]), sum(b[8]), sum(b[9]),
                 sum(b[10]), sum(b[11]), sum(b[12]), sum(b[13]), sum(b[14]), sum(b[15]), sum(b[16]), sum(b[17]), sum(b[18]),
                 sum(b[19]), sum(b[20]), sum(b[21]), sum(b[22]), sum(b[23]), sum(b[24]), sum(b[25]), sum(b[26])]
    into h
    from (select case when percentile.measure = 'wait' then m.wait_histogram else m.run_histogram end || '{}' as b
          from jobs.minute m
          where m.minute > now() - percentile.past
            and (percentile.queue is null or m.queue = percentile.queue)
            and (percentile.kind is null or m.kind = percentile.kind)
          offset 0) s;
    return jobs.quantile(h, p);
end $$;
comment on function jobs.percentile is 'How long attempts waited (measure ''wait'') or ran (measure ''run''): the duration below which the share p of them lies, over the past interval (5 minutes by default), in a queue, of a kind, both, or all. As in jobs.percentile(queue => ''default'', past => ''1 hour'', p => 0.99).';
