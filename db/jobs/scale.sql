-- Scaling: jobs.scale and jobs.scale_decision, and the acts that set what is scaled and how.

create view jobs.scale as
select t.process_type, t.queues, t.mode, t.max_wait, t.min, t.max, t.budget,
       s.quantity, d.want, d.bound, d.code, d.sentence, d.at as decided_at,
       s.hours, s.month, nullif(s.problem, '') as problem,
       (select count(*) from work.scale_drain x join work.worker w on w.id = x.worker
        where x.process_type = t.process_type and w.stopped_at is null and w.dead_at is null) as draining,
       s.lease_until > now() as running, t.set_at, t.set_by
from work.scale_target t
left join work.scale_state s on s.process_type = t.process_type
left join lateral (
    select * from work.scale_decision d where d.process_type = t.process_type order by d.at desc, d.id desc limit 1) d on true
left join (select) readonly on true;

comment on view jobs.scale is 'The process types whose number of workers is planned: what operators set, how many run and are wanted, and why. jobs.set_scale adds one.';
comment on column jobs.scale.process_type is 'The process type, as in worker.';
comment on column jobs.scale.queues is 'The queues whose jobs its workers take; empty: all.';
comment on column jobs.scale.mode is 'off, advise (decisions are recorded but not carried out) or on.';
comment on column jobs.scale.max_wait is 'The longest that a job should wait for its start.';
comment on column jobs.scale.min is 'The fewest workers.';
comment on column jobs.scale.max is 'The most workers.';
comment on column jobs.scale.budget is 'Dyno-hours a month; null: no limit.';
comment on column jobs.scale.quantity is 'How many workers the platform had when it was last asked.';
comment on column jobs.scale.want is 'How many the latest decision calls for.';
comment on column jobs.scale.bound is 'Which limit determined that: min, floor, max, workers_max, connections, api, budget or fixed; empty: none, the load did.';
comment on column jobs.scale.code is 'Why, as a code: see jobs.scale_decision.';
comment on column jobs.scale.sentence is 'Why, in a sentence.';
comment on column jobs.scale.decided_at is 'When the latest decision was recorded.';
comment on column jobs.scale.hours is 'Dyno-hours of the month so far.';
comment on column jobs.scale.month is 'The month of hours.';
comment on column jobs.scale.problem is 'Why nothing can be changed at the moment; null if nothing is wrong.';
comment on column jobs.scale.draining is 'How many workers the loop drains.';
comment on column jobs.scale.running is 'A process decides about it: its lease has not run out. Web processes do, unless the mode is off.';
comment on column jobs.scale.set_at is 'When the target was set.';
comment on column jobs.scale.set_by is 'Who set it.';

create view jobs.scale_decision as
select id, at, process_type, mode, code, sentence, present, want, demand, bound, quantity, drain, inputs, state, answer
from work.scale_decision
left join (select) readonly on true;

comment on view jobs.scale_decision is 'Decisions on the number of workers of the last 90 days: one when something changes, and one every five minutes.';
comment on column jobs.scale_decision.id is 'Its number; a later decision has a higher one.';
comment on column jobs.scale_decision.at is 'When it was made.';
comment on column jobs.scale_decision.process_type is 'The process type.';
comment on column jobs.scale_decision.mode is 'The mode: only with on was it carried out.';
comment on column jobs.scale_decision.code is 'Why: steady, bounded, added_for_backlog, added_for_rate, added_for_due, raised_to_minimum, draining, removed, grown, stale, invalid_target, manual, paused, releasing, mixed_releases, crashing, failing, unidentified or unordered.';
comment on column jobs.scale_decision.sentence is 'Why, in a sentence with its figures.';
comment on column jobs.scale_decision.present is 'How many workers the platform had.';
comment on column jobs.scale_decision.want is 'How many it calls for.';
comment on column jobs.scale_decision.demand is 'How many the load alone calls for.';
comment on column jobs.scale_decision.bound is 'Which limit made the difference; empty: none.';
comment on column jobs.scale_decision.quantity is 'What the platform was to be set to; the same as present if nothing was to be changed.';
comment on column jobs.scale_decision.drain is 'The numbers of the workers that were to take no jobs.';
comment on column jobs.scale_decision.inputs is 'What was measured.';
comment on column jobs.scale_decision.state is 'What the planner remembered from before: with inputs and the target it gives the same decision again.';
comment on column jobs.scale_decision.answer is 'What went wrong when it was carried out; empty: nothing.';

create function jobs.set_scale(
    process_type text, max_wait interval, min int default 1, max int default 2, budget float8 default null, queues text[] default '{}',
    reason text default null)
returns boolean
language plpgsql set search_path = pg_catalog, pg_temp set lock_timeout = '2s' as $$
#variable_conflict use_variable
declare
    old work.scale_target;
    actor text;
begin
    if process_type is null or process_type !~ '^[a-z][a-z0-9_]{0,62}$' or process_type = 'web' then
        raise exception 'process_type is a process type that runs workers, as in ''worker'', not %.', quote_nullable(process_type) using errcode = '22023';
    elsif max_wait is null or max_wait <= interval '0' or max_wait > interval '1 day' then
        raise exception 'max_wait is how long a job may wait, up to a day, as in interval ''30 s'', not %.', coalesce(max_wait::text, 'null') using errcode = '22023';
    elsif min is null or max is null or min < 0 or max < 1 or max > 1000 then
        raise exception 'min is at least 0, and max between 1 and 1000.' using errcode = '22023';
    elsif min > max then
        raise exception 'The minimum of % is above the maximum of %.', min, max using errcode = '22023';
    elsif budget is not null and not (budget > 0 and budget >= min * 744) then
        raise exception 'A budget of % dyno-hours is below what the minimum costs: % in a month of 31 days.', budget, min * 744 using errcode = '22023';
    elsif queues is null or array_position(queues, null) is not null then
        raise exception 'queues is an array of names; {} means all queues.' using errcode = '22023';
    elsif process_type not in (select t.process_type from work.scale_target t)
        and not exists (select from work.worker w where coalesce(substring(w.dyno from '^[^.-]+'), w.process_type) = process_type) then
        raise exception 'There has been no worker of process type % in the last 7 days. jobs.worker lists the workers.', quote_literal(process_type) using errcode = 'P0002';
    end if;
    select * into old from work.scale_target t where t.process_type = set_scale.process_type for update;
    if (old.max_wait, old.min, old.max, old.queues) = (max_wait, min, max, queues) and old.budget is not distinct from budget then
        return false;
    end if;
    insert into work.audit (act, reason, before, after)
    values ('set_scale', set_scale.reason, case when old.process_type is not null then to_jsonb(old) - '{set_at,set_by}'::text[] end,
        jsonb_build_object('process_type', process_type, 'queues', queues, 'mode', coalesce(old.mode, 'advise'), 'max_wait', max_wait, 'min', min, 'max', max, 'budget', budget))
    returning who into actor;
    insert into work.scale_target as t (process_type, queues, max_wait, min, max, budget, set_by)
    values (set_scale.process_type, set_scale.queues, set_scale.max_wait, set_scale.min, set_scale.max, set_scale.budget, actor)
    on conflict on constraint scale_target_pkey do update set
        queues = excluded.queues, max_wait = excluded.max_wait, min = excluded.min, max = excluded.max, budget = excluded.budget,
        set_at = excluded.set_at, set_by = excluded.set_by;
    insert into work.scale_state (process_type) values (set_scale.process_type) on conflict do nothing;
    return true;
exception when lock_not_available then
    raise exception 'Another transaction has locked the target of %: nothing was changed. Try again.', set_scale.process_type using errcode = '55P03';
end $$;
comment on function jobs.set_scale is 'Sets how many workers of a process type (process_type) may run, from min to max, and how long a job of its queues (all, if none are named) should wait at most (max_wait), as in: select jobs.set_scale(''worker'', ''30 s'', min => 1, max => 4). budget is in dyno-hours a month. A new process type begins in mode advise: jobs.set_scale_mode turns it on. The maximum is also limited by WORKERS_MAX, from which connection pools are sized. Returns whether anything changed. The reason goes to jobs.audit.';

create function jobs.set_scale_mode(process_type text, mode text, reason text default null) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp set lock_timeout = '2s' as $$
#variable_conflict use_variable
declare
    old text;
begin
    if mode is null or mode not in ('off', 'advise', 'on') then
        raise exception 'mode is ''off'', ''advise'' or ''on'', not %.', quote_nullable(mode) using errcode = '22023';
    end if;
    select t.mode into old from work.scale_target t where t.process_type = set_scale_mode.process_type for update;
    if old is null then
        raise exception 'Process type % has no target: set one with jobs.set_scale first.', quote_nullable(process_type) using errcode = 'P0002';
    elsif old = mode then
        return false;
    end if;
    insert into work.audit (act, reason, before, after)
    values ('set_scale_mode', set_scale_mode.reason, jsonb_build_object('process_type', process_type, 'mode', old), jsonb_build_object('process_type', process_type, 'mode', mode));
    update work.scale_target t set mode = set_scale_mode.mode where t.process_type = set_scale_mode.process_type;
    if mode <> 'on' then -- what the loop drained takes jobs again
        update work.worker w set draining = false, drained_at = null
        where w.id in (select d.worker from work.scale_drain d where d.process_type = set_scale_mode.process_type) and w.draining;
        delete from work.scale_drain d where d.process_type = set_scale_mode.process_type;
    end if;
    return true;
exception when lock_not_available then
    raise exception 'Another transaction has locked the target of %: nothing was changed. Try again.', set_scale_mode.process_type using errcode = '55P03';
end $$;
comment on function jobs.set_scale_mode is 'Sets the mode of a process type (process_type): whether its number of workers is off (not planned), advise (planned and recorded, but not changed) or on. With another mode than on, workers that were being drained for their removal take jobs again. Returns whether it changed. The reason goes to jobs.audit.';
