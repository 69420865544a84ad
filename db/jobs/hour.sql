-- jobs.hour: attempts by hour, queue, kind and release.

create view jobs.hour as
with done as materialized (
    select work.summed('hour') as until
)
select h.hour, h.queue, h.kind, h.release,
       h.completed, h.failed, h.discarded, h.cancelled, h.snoozed, h.handed_back,
       h.completed + h.failed + h.discarded + h.cancelled + h.snoozed + h.handed_back as ended,
       (h.failed + h.discarded)::float8 / nullif(h.completed + h.failed + h.discarded, 0) as failing_share,
       h.judged, h.late,
       q.wait[1] as wait_p50,
       q.wait[2] as wait_p95,
       q.wait[3] as wait_p99,
       q.run[1]  as run_p50,
       q.run[2]  as run_p95,
       q.run[3]  as run_p99,
       make_interval(secs => h.wait_s) as wait_total,
       make_interval(secs => h.run_s)  as run_total,
       h.wait as wait_histogram,
       h.run  as run_histogram
from (
    select hour, queue, kind, release, completed, failed, discarded, cancelled, snoozed, handed_back, judged, late, wait, run, wait_s, run_s
    from work.hour where hour < (select until from done)
    union all -- what maintenance has not summed up yet
    select date_bin('1 h', minute, '2000-01-01Z'), queue, kind, release, sum(completed)::int, sum(failed)::int, sum(discarded)::int,
        sum(cancelled)::int, sum(snoozed)::int, sum(handed_back)::int, sum(judged)::int, sum(late)::int,
        array[sum(wait[1]), sum(wait[2]), sum(wait[3]), sum(wait[4]), sum(wait[5]), sum(wait[6]), sum(wait[7]), sum(wait[8]),
            sum(wait[9]), sum(wait[10]), sum(wait[11]), sum(wait[12]), sum(wait[13]), sum(wait[14]), sum(wait[15]),
            sum(wait[16]), sum(wait[17]), sum(wait[18]), sum(wait[19]), sum(wait[20]), sum(wait[21]), sum(wait[22]),
            sum(wait[23]), sum(wait[24]), sum(wait[25]), sum(wait[26])]::int[],
        array[sum(run[1]), sum(run[2]), sum(run[3]), sum(run[4]), sum(run[5]), sum(run[6]), sum(run[7]), sum(run[8]),
            sum(run[9]), sum(run[10]), sum(run[11]), sum(run[12]), sum(run[13]), sum(run[14]), sum(run[15]), sum(run[16]),
            sum(run[17]), sum(run[18]), sum(run[19]), sum(run[20]), sum(run[21]), sum(run[22]), sum(run[23]), sum(run[24]),
            sum(run[25]), sum(run[26])]::int[],
        sum(wait_s), sum(run_s)
    from (select minute, queue, kind, release, completed, failed, discarded, cancelled, snoozed, handed_back, judged, late, wait_s, run_s,
              wait || '{}' as wait, run || '{}' as run
          from work.minutes where minute >= work.summed('hour') offset 0) m
    group by 1, 2, 3, 4) h
left join lateral (
    select jobs.quantiles(h.wait, '{0.5,0.95,0.99}', e.ended) as wait, jobs.quantiles(h.run, '{0.5,0.95,0.99}', e.ended) as run
    from (select h.completed + h.failed + h.discarded + h.cancelled + h.snoozed + h.handed_back as ended) e offset 0) q on true;

comment on view jobs.hour is 'Attempts of the last 90 days, by the hour in which they ended, by queue, kind and release: jobs.minute summed up. Name a range of hours. jobs.series draws charts from it.';
comment on column jobs.hour.hour is 'The hour in which the attempts ended. The latest hour is still growing.';
comment on column jobs.hour.queue is 'The queue.';
comment on column jobs.hour.kind is 'The kind.';
comment on column jobs.hour.release is 'The release of their workers. An hour, queue and kind has rows for few releases; attempts of further ones are in a row for others. Empty: not known.';
comment on column jobs.hour.completed is 'Attempts that completed.';
comment on column jobs.hour.failed is 'Attempts that failed and will be retried.';
comment on column jobs.hour.discarded is 'Attempts that failed for good.';
comment on column jobs.hour.cancelled is 'Attempts that were cancelled, by the job itself or by an operator.';
comment on column jobs.hour.snoozed is 'Attempts that snoozed their job.';
comment on column jobs.hour.handed_back is 'Attempts that a stopping worker handed back, that could not read the arguments or that were lost: not failures of the job.';
comment on column jobs.hour.ended is 'The sum of these six counts.';
comment on column jobs.hour.failing_share is 'Share of failed and discarded attempts among those and the completed ones, from 0 to 1; null if there were none.';
comment on column jobs.hour.judged is 'Attempts that were recorded while their queue had a wait target.';
comment on column jobs.hour.late is 'Those of them that had waited longer than the target.';
comment on column jobs.hour.wait_p50 is 'Median of their wait.';
comment on column jobs.hour.wait_p95 is '95th percentile of their wait.';
comment on column jobs.hour.wait_p99 is '99th percentile of their wait.';
comment on column jobs.hour.run_p50 is 'Median of their run time.';
comment on column jobs.hour.run_p95 is '95th percentile of their run time.';
comment on column jobs.hour.run_p99 is '99th percentile of their run time.';
comment on column jobs.hour.wait_total is 'The sum of their waits.';
comment on column jobs.hour.run_total is 'The sum of their run times.';
comment on column jobs.hour.wait_histogram is 'The histogram of their waits, 26 counts: less than 1 ms, less than 2, less than 4, and so on to 2^24 ms and more.';
comment on column jobs.hour.run_histogram is 'The histogram of their run times, like wait_histogram.';
