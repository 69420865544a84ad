-- Acts on queues, workers and errors. Each of the three has one engine.

create function jobs.set_paused(queue text, stop boolean, reason text)
returns table (queue_name text, paused boolean, changed boolean)
language plpgsql set search_path = pg_catalog, pg_temp set lock_timeout = '2s' as $$
declare
    known text;
begin
    if not exists (select from river.river_queue q where q.name = set_paused.queue and not jobs.placeholder(q.name)) and set_paused.queue is distinct from '*' then
        select string_agg(q.name, ', ' order by q.name) into known from river.river_queue q
        where (stop or q.paused_at is not null) and not jobs.placeholder(q.name);
        raise exception '%', format(case
            when stop then 'There is no queue %s to pause: a queue is known once a worker has used it. Known queues: %s. ''*'' means all.'
            else 'There is no queue %s to resume. Paused queues: %s. ''*'' means all.' end,
            coalesce(quote_literal(set_paused.queue), 'null'), coalesce(known, case when stop then 'none yet' else 'none' end)) using errcode = 'P0002';
    end if;
    return query
        with old as (
            select q.name, q.paused_at from river.river_queue q
            where (set_paused.queue = '*' or q.name = set_paused.queue) and not jobs.placeholder(q.name) order by q.name for update
        ), done as (
            update river.river_queue q set
                paused_at  = case when stop then now() end,
                updated_at = now()
            from old where q.name = old.name and (old.paused_at is null) = stop
            returning q.name, old.paused_at as was, q.paused_at as became
        ), noted as (
            insert into work.audit (act, queue, reason, before, after)
            select case when stop then 'pause' else 'resume' end, d.name, set_paused.reason,
                   jsonb_build_object('paused_at', d.was), jsonb_build_object('paused_at', d.became)
            from done d
        )
        select old.name, stop, d.name is not null from old left join done d on d.name = old.name order by old.name;
    perform pg_notify('river.river_control', format('{"action":"%s","queue":%s}', case when stop then 'pause' else 'resume' end, to_json(set_paused.queue)));
exception when lock_not_available then
    raise exception 'Another transaction has locked the row of a queue: nothing was changed. Try again.' using errcode = '55P03';
end $$;
comment on function jobs.set_paused is 'The engine of jobs.pause (stop is true) and jobs.resume, with their queue and reason.';

create function jobs.pause(queue text, reason text default null)
returns table (queue_name text, paused boolean, changed boolean)
language sql set search_path = pg_catalog, pg_temp as $$
    select * from jobs.set_paused(queue, true, reason)
$$;
comment on function jobs.pause is 'Stops workers taking jobs from a queue (''*'': from all queues); running jobs finish. The reason goes to jobs.audit and is shown in jobs.queue. Like River''s QueuePause. jobs.resume reverses it.';

create function jobs.resume(queue text, reason text default null)
returns table (queue_name text, paused boolean, changed boolean)
language sql set search_path = pg_catalog, pg_temp as $$
    select * from jobs.set_paused(queue, false, reason)
$$;
comment on function jobs.resume is 'Lets workers take jobs from a queue again (''*'': from all queues). The reason goes to jobs.audit. Like River''s QueueResume.';

create function jobs.set_draining(worker text, stop boolean, reason text) returns void
language plpgsql set search_path = pg_catalog, pg_temp set lock_timeout = '2s' as $$
declare
    w work.worker;
begin
    select * into w from work.worker x where x.id = set_draining.worker for update;
    if w.id is null then
        raise exception 'There is no worker %. jobs.worker lists the workers.', quote_nullable(set_draining.worker) using errcode = 'P0002';
    elsif stop and (w.stopped_at is not null or w.dead_at is not null) then
        raise exception 'Worker % is gone: it % at %. jobs.live lists the workers that are alive.', w.id,
            case when w.stopped_at is not null then 'stopped' else 'was declared dead' end, coalesce(w.stopped_at, w.dead_at)
            using errcode = '55000';
    elsif w.draining = stop then
        return;
    end if;
    update work.worker x set draining = stop, drained_at = case when stop then x.drained_at end where x.id = w.id; -- a trigger notifies the worker
    insert into work.audit (act, worker, reason, before, after)
    values (case when stop then 'drain' else 'undrain' end, w.id, set_draining.reason,
        jsonb_build_object('draining', not stop), jsonb_build_object('draining', stop));
exception when lock_not_available then
    raise exception 'Another transaction has locked the row of worker %: nothing was changed. Try again.', set_draining.worker using errcode = '55P03';
end $$;
comment on function jobs.set_draining is 'The engine of jobs.drain (stop is true) and jobs.undrain, with their worker and reason.';

create function jobs.drain(worker text, reason text default null) returns void
language sql set search_path = pg_catalog, pg_temp as $$
    select jobs.set_draining(worker, true, reason)
$$;
comment on function jobs.drain is 'Stops one worker, named by its id, taking jobs; running ones finish, and jobs.worker shows when it has drained. Does nothing if the worker is already draining. The reason goes to jobs.audit. jobs.undrain reverses it.';

create function jobs.undrain(worker text, reason text default null) returns void
language sql set search_path = pg_catalog, pg_temp as $$
    select jobs.set_draining(worker, false, reason)
$$;
comment on function jobs.undrain is 'Lets one worker, named by its id, take jobs again. Does nothing if the worker is not draining. The reason goes to jobs.audit.';

create function jobs.mark_error(act text, fingerprint text, reason text, until timestamptz default null, until_seen boolean default false) returns void
language plpgsql set search_path = pg_catalog, pg_temp set lock_timeout = '2s' as $$
#variable_conflict use_variable
declare
    e work.error;
    actor text;
    muted boolean;
begin
    select * into e from work.error x where x.fingerprint = mark_error.fingerprint for update;
    if e.fingerprint is null then
        raise exception 'There is no error %. jobs.error lists the errors.', quote_nullable(mark_error.fingerprint) using errcode = 'P0002';
    end if;
    muted := e.muted_at is not null and coalesce(e.muted_until > now(), true) and not (e.muted_until_seen and e.last_seen_at > e.muted_at); -- as in jobs.error
    if (case act
           when 'resolve' then coalesce(e.resolved_at >= e.last_seen_at, false) -- not if regressed
           when 'unmute' then not muted
           else muted and e.muted_until is not distinct from until and e.muted_until_seen = until_seen end) then
        return;
    end if;
    insert into work.audit (act, fingerprint, reason, before, after)
    values (mark_error.act, e.fingerprint, mark_error.reason,
        case act when 'resolve' then '{"resolved": false}' else jsonb_build_object('muted', muted) end,
        case act
            when 'resolve' then '{"resolved": true}'
            when 'unmute' then '{"muted": false}'
            else jsonb_strip_nulls(jsonb_build_object('muted', true, 'until', until, 'until_seen', nullif(until_seen, false))) end)
    returning who into actor;
    if act = 'resolve' then
        update work.error x set resolved_at = now(), resolved_by = actor where x.fingerprint = e.fingerprint;
    elsif act = 'mute' then
        update work.error x set muted_at = now(), muted_by = actor, muted_reason = mark_error.reason, muted_until = mark_error.until,
            muted_until_seen = mark_error.until_seen
        where x.fingerprint = e.fingerprint;
    else
        update work.error x set muted_at = null, muted_by = null, muted_reason = null, muted_until = null, muted_until_seen = false
        where x.fingerprint = e.fingerprint;
    end if;
exception when lock_not_available then
    raise exception 'Another transaction has locked the row of error %: nothing was changed. Try again.', mark_error.fingerprint using errcode = '55P03';
end $$;
comment on function jobs.mark_error is 'The engine of jobs.mute, jobs.unmute and jobs.resolve, as act says, with their fingerprint and reason; until and until_seen are those of jobs.mute.';

create function jobs.mute(fingerprint text, reason text default null, until timestamptz default null, until_seen boolean default false) returns void
language sql set search_path = pg_catalog, pg_temp as $$
    select jobs.mark_error('mute', fingerprint, reason, case when until is not null then jobs.time_to_come(until) end, coalesce(until_seen, false))
$$;
comment on function jobs.mute is 'Mutes the error with this fingerprint; jobs.error shows who muted it and why. It stays muted until the time until, if one is given; until an attempt that ends later has the error, if until_seen is true; or until jobs.unmute. Does nothing if it is muted in that way already. The reason goes to jobs.audit. As in: select jobs.mute(''3f9a'', ''fixed in the next release'', now() + interval ''1 day'').';

create function jobs.unmute(fingerprint text, reason text default null) returns void
language sql set search_path = pg_catalog, pg_temp as $$
    select jobs.mark_error('unmute', fingerprint, reason)
$$;
comment on function jobs.unmute is 'Unmutes the error with this fingerprint. Does nothing if it is not muted. The reason goes to jobs.audit.';

create function jobs.resolve(fingerprint text, reason text default null) returns void
language sql set search_path = pg_catalog, pg_temp as $$
    select jobs.mark_error('resolve', fingerprint, reason)
$$;
comment on function jobs.resolve is 'Marks the error with this fingerprint as fixed. If it is seen again, jobs.error shows it as regressed. Does nothing if it is marked already and has not regressed. The reason goes to jobs.audit.';
