-- Wait targets of queues: jobs.wait_target with its error budgets, and the acts that set and clear one.

create view jobs.wait_target as
with done as materialized (
    select h.until, greatest(work.summed('ten_minutes'), now() - interval '6 h') as until_ten from (select work.summed('hour') as until) h
), minutes as materialized ( -- what is not in the sums of hours and of ten minutes
    select minute, queue, kind, judged, late from work.minutes
    where minute > now() - interval '30 days' and judged > 0
      and minute >= (select least(until, until_ten, now() - interval '1 h') from done)
), month as (
    select queue, kind, sum(judged) as judged, sum(late) as late
    from (
        select queue, kind, judged, late from work.hour
        where hour > now() - interval '30 days' and hour < (select until from done) and judged > 0
        union all
        select queue, kind, judged, late from minutes where minute >= (select until from done)) m
    group by queue, kind
), month_of_queue as materialized (
    select queue, sum(judged) as judged, sum(late) as late,
           jsonb_agg(jsonb_build_object('kind', kind, 'late', late) order by late desc, kind) filter (where late > 0 and place <= 5) as kinds
    from (select m.*, row_number() over (partition by queue order by late desc, kind) as place from month m) m
    group by queue
), lately as materialized (
    select queue, sum(judged) filter (where in_6h) as judged_6h, sum(late) filter (where in_6h) as late_6h,
           sum(judged) filter (where in_1h) as judged_1h, sum(late) filter (where in_1h) as late_1h
    from (
        select queue, judged, late, true as in_6h, false as in_1h
        from work.ten_minutes where at > now() - interval '6 h' and at < (select until_ten from done)
        union all
        select queue, judged, late, minute >= (select until_ten from done), minute > now() - interval '1 h' from minutes) l
    group by queue
), counted as (
    select t.queue, t.within, t.share, t.set_at, t.set_by, coalesce(m.kinds, '[]') as kinds,
           coalesce(m.judged, 0)::bigint as attempts,
           coalesce(m.late, 0)::bigint as late,
           w.waiting,
           (coalesce(m.judged, 0) + w.waiting)::float8 * (1 - t.share) as allowed,
           coalesce(l.late_1h, 0) + w.waiting as late_1h,
           coalesce(l.late_6h, 0) + w.waiting as late_6h,
           (coalesce(l.late_1h, 0) + w.waiting)::float8 / nullif(coalesce(l.judged_1h, 0) + w.waiting, 0) / (1 - t.share) as burn_1h,
           (coalesce(l.late_6h, 0) + w.waiting)::float8 / nullif(coalesce(l.judged_6h, 0) + w.waiting, 0) / (1 - t.share) as burn_6h
    from (select * from work.queue_target where queue not in (select queue from jobs.aside)) t
    left join month_of_queue m on m.queue = t.queue
    left join lately l on l.queue = t.queue
    cross join lateral (
        select count(*) as waiting
        from (select from river.river_job j
              where j.state = 'available' and j.queue = t.queue and j.scheduled_at < now() - t.within limit 10000) j) w
)
select c.queue, c.within, c.share,
       c.attempts, c.late, c.waiting as waiting_late,
       c.allowed                                                 as budget,
       (c.late + c.waiting) / nullif(c.allowed, 0)               as budget_used,
       c.allowed - c.late - c.waiting                            as budget_left,
       c.burn_1h, c.burn_6h,
       case when c.attempts + c.waiting = 0 then 'no_data'
            when c.late + c.waiting >= c.allowed then 'spent'
            when c.burn_1h >= 14.4 and c.late_1h >= 0.02 * c.allowed or c.burn_6h >= 6 and c.late_6h >= 0.05 * c.allowed then 'burning'
            else 'ok' end                                        as state,
       c.kinds, c.set_at, c.set_by, a.reason
from counted c
left join lateral (
    select reason from work.audit
    where job_id is null and queue = c.queue and act in ('set_wait_target', 'undo') and at = c.set_at order by id desc limit 1) a on true;

comment on view jobs.wait_target is 'The wait target of each queue that has one, and the error budget of 30 days: how many jobs may start late. Attempts count by the target that their queue had when they ended, and jobs that have already waited too long count as late. jobs.set_wait_target sets a target, jobs.clear_wait_target removes it.';
comment on column jobs.wait_target.queue is 'The queue.';
comment on column jobs.wait_target.within is 'The longest wait of an attempt that is not late.';
comment on column jobs.wait_target.share is 'The share of attempts that should start within that time, as in 0.99.';
comment on column jobs.wait_target.attempts is 'Attempts of the last 30 days that were recorded while the queue had a target.';
comment on column jobs.wait_target.late is 'Those of them that started late.';
comment on column jobs.wait_target.waiting_late is 'Jobs that have waited longer than the target and still wait. Beyond 10,000 they are not counted.';
comment on column jobs.wait_target.budget is 'The error budget: how many of the attempts and of these jobs may be late, (1 - share) of them.';
comment on column jobs.wait_target.budget_used is 'The share of the budget that late attempts and these jobs have used; 1 and more: all of it. Null without attempts.';
comment on column jobs.wait_target.budget_left is 'What is left of the budget; negative if it is overspent.';
comment on column jobs.wait_target.burn_1h is 'The burn rate of the last hour: the late share divided by the allowed share. At 1 the budget lasts 30 days, at 30 one day. Null without attempts.';
comment on column jobs.wait_target.burn_6h is 'The burn rate of the last six hours.';
comment on column jobs.wait_target.state is 'no_data: nothing to judge; spent: the budget is used up; burning: a burn rate of 14.4 in the last hour used 2 % of it, or one of 6 in six hours used 5 %; ok.';
comment on column jobs.wait_target.kinds is 'The five kinds with most late attempts: [{"kind": "…", "late": 7}].';
comment on column jobs.wait_target.set_at is 'When the target was set.';
comment on column jobs.wait_target.set_by is 'Who set it.';
comment on column jobs.wait_target.reason is 'Why, if a reason was given.';

create function jobs.undo_of_target(entry work.audit) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
    select case
        when entry.act not in ('set_wait_target', 'clear_wait_target') and (entry.act <> 'undo' or entry.jobs is not null) then null
        when coalesce(entry.undo_until <= clock_timestamp(), true) then 'expired'
        when (select row(t.within, t.share) from work.queue_target t where t.queue = entry.queue)
            is distinct from case when entry.after is not null then row((entry.after ->> 'within')::interval, (entry.after ->> 'share')::float8) end then 'changed'
        else 'possible'
    end
$$;
comment on function jobs.undo_of_target is 'Whether an entry of jobs.audit about a wait target can be undone: possible, expired or changed (the target is another now). Null if it is about something else.';

create function jobs.change_wait_target(queue text, within interval, share float8, reason text, undoes bigint default null)
returns table (queue_name text, target_within interval, target_share float8, changed boolean)
language plpgsql set search_path = pg_catalog, pg_temp set lock_timeout = '2s' as $$
declare
    old work.queue_target;
    new work.queue_target;
begin
    perform pg_advisory_xact_lock(hashtextextended('wait target of ' || change_wait_target.queue, 0)); -- there may be no row to lock
    select * into old from work.queue_target t where t.queue = change_wait_target.queue for update;
    if change_wait_target.undoes is not null then
        if (select jobs.undo_of_target(a) from work.audit a where a.id = change_wait_target.undoes) is distinct from 'possible' then
            return query select change_wait_target.queue, change_wait_target.within, change_wait_target.share, false;
            return;
        end if;
    elsif old.queue is null and not exists (select from river.river_queue q where q.name = change_wait_target.queue) then
        raise exception 'There is no queue %: a queue is known once a worker has used it. jobs.queue lists the queues.',
            coalesce(quote_literal(change_wait_target.queue), 'null') using errcode = 'P0002';
    elsif within is not null and change_wait_target.queue in (select a.queue from jobs.aside a) then
        raise exception 'Queue % is left out of wait targets: see jobs.aside.', quote_literal(change_wait_target.queue) using errcode = '22023';
    elsif within is null and old.queue is null or (old.within, old.share) = (change_wait_target.within, change_wait_target.share) then
        return query select change_wait_target.queue, change_wait_target.within, change_wait_target.share, false;
        return;
    end if;
    if within is null then
        delete from work.queue_target t where t.queue = change_wait_target.queue;
    end if;
    insert into work.audit (act, queue, reason, undoes, undo_until, before, after)
    values (case when change_wait_target.undoes is not null then 'undo' when within is null then 'clear_wait_target' else 'set_wait_target' end, change_wait_target.queue,
        change_wait_target.reason, change_wait_target.undoes, now() + interval '10 minutes',
        case when old.queue is not null then jsonb_build_object('within', old.within, 'share', old.share) end,
        case when within is not null then jsonb_build_object('within', within, 'share', share) end)
    returning who into new.set_by;
    if within is not null then
        insert into work.queue_target as t (queue, within, share, set_by)
        values (change_wait_target.queue, change_wait_target.within, change_wait_target.share, new.set_by)
        on conflict on constraint queue_target_pkey do update set
            within = excluded.within, share = excluded.share, set_at = excluded.set_at, set_by = excluded.set_by;
    end if;
    return query select change_wait_target.queue, change_wait_target.within, change_wait_target.share, true;
exception when lock_not_available then
    raise exception 'Another transaction has locked the wait target of queue %: nothing was changed. Try again.', change_wait_target.queue using errcode = '55P03';
end $$;
comment on function jobs.change_wait_target is 'The engine of jobs.set_wait_target and jobs.clear_wait_target (within is null), with their queue, share and reason, and of jobs.undo, which gives the entry that it undoes and what was before.';

create function jobs.set_wait_target(queue text, within interval, share float8 default 0.99, reason text default null)
returns table (queue_name text, target_within interval, target_share float8, changed boolean)
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if within is null or within < interval '1 ms' or within > interval '1 day' then
        raise exception 'within is how long a job may wait, from 1 ms to 1 day, as in interval ''5 s''.' using errcode = '22023';
    elsif share is null or not share between 0.5 and 0.99999 then
        raise exception 'share is the share of jobs that should start in time, from 0.5 to 0.99999, as in 0.99.' using errcode = '22023';
    end if;
    return query select * from jobs.change_wait_target(queue, within, share, reason);
end $$;
comment on function jobs.set_wait_target is 'Sets the wait target of a queue: the share of its jobs should start within a duration, as in jobs.set_wait_target(''mail'', ''5 s'', 0.99, ''promised''). Workers count attempts by it within a second. The reason goes to jobs.audit, and jobs.wait_target shows the budget. jobs.undo can undo it for ten minutes. Does nothing if the target is the same.';

create function jobs.clear_wait_target(queue text, reason text default null)
returns table (queue_name text, target_within interval, target_share float8, changed boolean)
language sql set search_path = pg_catalog, pg_temp as $$
    select * from jobs.change_wait_target(queue, null, null, reason)
$$;
comment on function jobs.clear_wait_target is 'Removes the wait target of a queue. What was counted stays, and counts again if a target is set. jobs.undo can undo it for ten minutes. The reason goes to jobs.audit.';
