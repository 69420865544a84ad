-- Sums up work.minutes by hour, from where the last call ended, at most six hours at once. Returns whether there is more. Once an hour is
-- complete for ten seconds, its attempts are written; the three hours before are summed up again for a process that wrote late.
with mark as materialized (
    select date_bin('1 h', coalesce(r.until, (select min(minute) from work.minutes), now()), '2000-01-01Z') as until,
           date_bin('1 h', now() - interval '10 s', '2000-01-01Z') as due
    from (select) one left join work.rollup r on r.name = 'hour'
), span as materialized (
    select greatest(until - interval '3 h', date_bin('1 h', now() - interval '29 days', '2000-01-01Z')) as since,
           least(due, until + interval '6 h') as until, due
    from mark where until < due
), summed as (
    insert into work.hour as h (hour, queue, kind, release, completed, failed, discarded, cancelled, snoozed, handed_back, judged, late,
        wait, run, wait_s, run_s)
    select date_bin('1 h', m.minute, '2000-01-01Z'), m.queue, m.kind, m.release, sum(m.completed), sum(m.failed), sum(m.discarded),
        sum(m.cancelled), sum(m.snoozed), sum(m.handed_back), sum(m.judged), sum(m.late),
        array[sum(m.wait[1]), sum(m.wait[2]), sum(m.wait[3]), sum(m.wait[4]), sum(m.wait[5]), sum(m.wait[6]), sum(m.wait[7]),
            sum(m.wait[8]), sum(m.wait[9]), sum(m.wait[10]), sum(m.wait[11]), sum(m.wait[12]), sum(m.wait[13]), sum(m.wait[14]),
            sum(m.wait[15]), sum(m.wait[16]), sum(m.wait[17]), sum(m.wait[18]), sum(m.wait[19]), sum(m.wait[20]),
            sum(m.wait[21]), sum(m.wait[22]), sum(m.wait[23]), sum(m.wait[24]), sum(m.wait[25]), sum(m.wait[26])],
        array[sum(m.run[1]), sum(m.run[2]), sum(m.run[3]), sum(m.run[4]), sum(m.run[5]), sum(m.run[6]), sum(m.run[7]),
            sum(m.run[8]), sum(m.run[9]), sum(m.run[10]), sum(m.run[11]), sum(m.run[12]), sum(m.run[13]), sum(m.run[14]),
            sum(m.run[15]), sum(m.run[16]), sum(m.run[17]), sum(m.run[18]), sum(m.run[19]), sum(m.run[20]), sum(m.run[21]),
            sum(m.run[22]), sum(m.run[23]), sum(m.run[24]), sum(m.run[25]), sum(m.run[26])],
        sum(m.wait_s), sum(m.run_s)
    from work.minutes m
    where m.minute >= (select since from span) and m.minute < (select until from span)
    group by 1, 2, 3, 4
    on conflict (hour, queue, kind, release) do update set
        completed = excluded.completed, failed = excluded.failed, discarded = excluded.discarded, cancelled = excluded.cancelled,
        snoozed = excluded.snoozed, handed_back = excluded.handed_back, judged = excluded.judged, late = excluded.late,
        wait = excluded.wait, run = excluded.run, wait_s = excluded.wait_s, run_s = excluded.run_s
    where (h.wait, h.run, h.judged, h.late) is distinct from (excluded.wait, excluded.run, excluded.judged, excluded.late)
), moved as (
    insert into work.rollup (name, until) select 'hour', until from span
    on conflict (name) do update set until = excluded.until
)
select coalesce((select until < due from span), false)
