-- jobs.bulk: acts on all jobs that match a search line. Worker and web processes work them off in chunks: internal/bulk.

create view jobs.bulk as
select b.id, b.act, b.search, b.highest_id, b.expected, b.reason, b.until, b.who, b.state, b.created_at, b.started_at, b.finished_at,
       b.matches, b.done, b.changed, b.unchanged, b.codes,
       case when b.state = 'done' then 1 when b.matches > 0 then least(b.done / b.matches::float8, 1) else 0 end as share,
       b.error, case when b.lease_until > now() then b.lease_by end as process,
       b.undoes, (select u.id from work.bulk u where u.undoes = b.id order by u.id desc limit 1) as undone_by,
       nullif(b.undo_until, 'infinity') as undo_until
from work.bulk b
left join (select) readonly on true;

comment on view jobs.bulk is 'The bulk acts of the last 400 days: each acts on all jobs that match a search line, or undoes such an act. Any worker or web process works on them, a thousand jobs at a time, even if every queue is paused. Their changes are entries of jobs.audit with their bulk_id.';
comment on column jobs.bulk.id is 'Its number.';
comment on column jobs.bulk.act is 'The act: retry, cancel, discard, delete, run_now, snooze or undo.';
comment on column jobs.bulk.search is 'The search line that its jobs match; empty for an undo.';
comment on column jobs.bulk.highest_id is 'It leaves jobs with higher ids alone: they were enqueued after the preview.';
comment on column jobs.bulk.expected is 'How many jobs matched when it was started or last confirmed; null while too many to count at once.';
comment on column jobs.bulk.reason is 'The reason, as in jobs.audit.';
comment on column jobs.bulk.until is 'The time of a snooze.';
comment on column jobs.bulk.who is 'Who started it, as in jobs.audit.';
comment on column jobs.bulk.state is 'waiting (for a process); running; grown (jobs that match have become more by a tenth since expected was counted: jobs.confirm_bulk or jobs.cancel_bulk decides, and after a day it is cancelled); done; cancelled; or failed (error says why).';
comment on column jobs.bulk.created_at is 'When it was started, or its undo.';
comment on column jobs.bulk.started_at is 'When a process first took it.';
comment on column jobs.bulk.finished_at is 'When it was done or cancelled, or failed.';
comment on column jobs.bulk.matches is 'How many jobs matched when a process last counted, with those that are done; null before the first count.';
comment on column jobs.bulk.done is 'How many jobs it has come to: changed and unchanged.';
comment on column jobs.bulk.changed is 'How many jobs it has changed.';
comment on column jobs.bulk.unchanged is 'How many jobs it has left unchanged, because the act was not allowed on them any more.';
comment on column jobs.bulk.codes is 'How many of these for each code of jobs.may or jobs.may_undo, as in {"running": 3}.';
comment on column jobs.bulk.share is 'The share that is done, from 0 to 1.';
comment on column jobs.bulk.error is 'Why it failed.';
comment on column jobs.bulk.process is 'The process that works on it now.';
comment on column jobs.bulk.undoes is 'The bulk act that this one undoes.';
comment on column jobs.bulk.undone_by is 'The latest bulk act that undoes this one.';
comment on column jobs.bulk.undo_until is 'Until when jobs.undo_bulk can undo it: ten minutes after its end. Null if it cannot be undone, has changed nothing, is not finished, or is being undone.';

create function jobs.start_bulk(act text, search text, highest_id bigint, expected bigint, reason text default null, until timestamptz default null) returns bigint
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    bulk bigint;
begin
    if start_bulk.act is null or start_bulk.act not in ('retry', 'cancel', 'discard', 'delete', 'run_now', 'snooze') then
        raise exception 'The acts on jobs are retry, cancel, discard, delete, run_now and snooze, not %.', quote_nullable(start_bulk.act) using errcode = '22023';
    elsif coalesce(btrim(start_bulk.search), '') = '' then
        raise exception 'A bulk act needs a search line that says which jobs, as in state:discarded kind:send_invoice.' using errcode = '22023';
    elsif octet_length(start_bulk.search) > 2048 then
        raise exception 'The search line is longer than 2 kB.' using errcode = '22023';
    elsif start_bulk.highest_id is null or start_bulk.highest_id < 0 or start_bulk.expected < 0 then
        raise exception 'highest_id and expected are those of the preview, and not negative.' using errcode = '22023';
    elsif start_bulk.act <> 'snooze' and start_bulk.until is not null then
        raise exception 'until is the time of a snooze: leave it out.' using errcode = '22023';
    elsif start_bulk.act = 'snooze' then
        perform jobs.time_to_come(start_bulk.until);
    end if;
    insert into work.bulk (act, search, highest_id, expected, reason, until)
    values (start_bulk.act, start_bulk.search, start_bulk.highest_id, start_bulk.expected, start_bulk.reason, start_bulk.until)
    returning id into bulk;
    perform jobs.note_bulk('start_bulk', bulk, start_bulk.reason, null, jsonb_strip_nulls(jsonb_build_object('act', start_bulk.act, 'search', start_bulk.search,
        'highest_id', start_bulk.highest_id, 'expected', start_bulk.expected, 'until', start_bulk.until)));
    return bulk;
end $$;
comment on function jobs.start_bulk is 'Starts an act (retry, cancel, discard, delete, run_now, snooze) on all jobs that match the search line and whose ids are at most highest_id, and returns its number in jobs.bulk. It begins within a second or two if any worker or web process runs. expected is how many jobs match; null if they were not counted. If a process finds a tenth more, the act waits as grown. until is the time of a snooze. The reason goes to jobs.audit, here and with each change.';

create function jobs.note_bulk(act text, bulk_id bigint, reason text, before jsonb, after jsonb) returns void
language sql set search_path = pg_catalog, pg_temp as $$
    insert into work.audit (act, bulk_id, reason, before, after) values (act, bulk_id, reason, before, after)
$$;
comment on function jobs.note_bulk is 'Writes the entry of jobs.audit for an act on the bulk act bulk_id: its reason, and the values before and after.';

create function jobs.lock_bulk(bulk_id bigint) returns work.bulk
language plpgsql set search_path = pg_catalog, pg_temp set lock_timeout = '10s' as $$ -- a process has the row locked while it works on a chunk
declare
    b work.bulk;
begin
    select * into b from work.bulk x where x.id = lock_bulk.bulk_id for update;
    if b.id is null then
        raise exception 'There is no bulk act %. jobs.bulk lists them.', coalesce(lock_bulk.bulk_id::text, 'without a number') using errcode = 'P0002';
    end if;
    return b;
exception when lock_not_available then
    raise exception 'A process has locked bulk act % for 10 s: nothing was changed. Try again.', lock_bulk.bulk_id using errcode = '55P03';
end $$;
comment on function jobs.lock_bulk is 'Returns the row of the bulk act bulk_id, locked, so that no chunk of it runs. Raises an error if there is none.';

create function jobs.confirm_bulk(bulk_id bigint, expected bigint, reason text default null) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    b work.bulk := jobs.lock_bulk(bulk_id);
begin
    if b.state <> 'grown' then
        raise exception 'Bulk act % is %: there is nothing to confirm.', b.id, b.state using errcode = '55000';
    elsif confirm_bulk.expected is distinct from b.matches then
        raise exception 'Bulk act % now matches % jobs, not %: look again.', b.id, b.matches, coalesce(confirm_bulk.expected::text, 'an unknown number') using errcode = '55000';
    end if;
    update work.bulk x set state = 'waiting', expected = b.matches, lease_by = null, lease_until = null where x.id = b.id;
    perform jobs.note_bulk('confirm_bulk', b.id, confirm_bulk.reason, jsonb_build_object('expected', b.expected), jsonb_build_object('expected', b.matches));
end $$;
comment on function jobs.confirm_bulk is 'Lets the bulk act bulk_id, which is in state grown, go on. expected must be the number of jobs that match now, jobs.bulk.matches, so that each confirms the number seen. The reason goes to jobs.audit.';

create function jobs.end_bulk(bulk_id bigint, ends text, error text default null) returns void
language sql set search_path = pg_catalog, pg_temp as $$
    update work.bulk b set
        state       = ends,
        error       = end_bulk.error,
        finished_at = now(),
        lease_by    = null,
        lease_until = null,
        undo_until  = case when b.changed > 0 and b.act <> 'delete' then now() + interval '10 minutes' end
    where b.id = end_bulk.bulk_id;
    update work.bulk b set undo_until = now() + interval '10 minutes' -- what an ended undo has left may be undone again
    from work.bulk u where u.id = end_bulk.bulk_id and b.id = u.undoes;
$$;
comment on function jobs.end_bulk is 'Ends the bulk act bulk_id in the state ends (done, cancelled or failed), with the error if it failed. From now on it can be undone for ten minutes. For processes; jobs.cancel_bulk is for people.';

create function jobs.cancel_bulk(bulk_id bigint, reason text default null) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    b work.bulk := jobs.lock_bulk(bulk_id);
begin
    if b.finished_at is not null then
        raise exception 'Bulk act % is already %.', b.id, b.state using errcode = '55000';
    end if;
    perform jobs.end_bulk(b.id, 'cancelled');
    perform jobs.note_bulk('cancel_bulk', b.id, cancel_bulk.reason, jsonb_build_object('state', b.state, 'done', b.done), jsonb_build_object('state', 'cancelled'));
end $$;
comment on function jobs.cancel_bulk is 'Stops the bulk act bulk_id. Once this has committed, it changes no further job; what it has changed stays changed, and jobs.undo_bulk can undo it for ten minutes. The reason goes to jobs.audit.';

create function jobs.end_unanswered() returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    b work.bulk;
begin
    for b in select * from work.bulk x where x.state = 'grown' and coalesce(x.lease_until, x.created_at + interval '1 day') <= now() for update skip locked loop
        perform jobs.end_bulk(b.id, 'cancelled');
        perform jobs.note_bulk('cancel_bulk', b.id, 'not confirmed within a day', jsonb_build_object('state', b.state, 'done', b.done), jsonb_build_object('state', 'cancelled'));
    end loop;
end $$;
comment on function jobs.end_unanswered is 'Cancels the bulk acts that have waited for a day to be confirmed, so that what undoing them takes is not kept for good. Maintenance calls it.';

create function jobs.undo_bulk(bulk_id bigint, reason text default null) returns bigint
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    b work.bulk := jobs.lock_bulk(bulk_id);
    bulk bigint;
begin
    if b.finished_at is null then
        raise exception 'Bulk act % is %: cancel it first.', b.id, b.state using errcode = '55000';
    elsif b.act = 'delete' then
        raise exception 'Bulk act % is a deletion, which cannot be undone.', b.id using errcode = '55000';
    elsif b.changed = 0 then
        raise exception 'Bulk act % has changed no job.', b.id using errcode = '55000';
    elsif b.undo_until = 'infinity' then
        raise exception 'Bulk act % is being undone already.', b.id using errcode = '55000';
    elsif b.undo_until <= clock_timestamp() then
        raise exception 'Bulk act % can no longer be undone: ten minutes have passed.', b.id using errcode = '55000';
    end if;
    insert into work.bulk (act, undoes, expected, matches, reason) values ('undo', b.id, b.changed, b.changed, undo_bulk.reason) returning id into bulk;
    update work.bulk x set undo_until = 'infinity' where x.id = b.id; -- until the undo ends
    perform jobs.note_bulk('undo_bulk', bulk, undo_bulk.reason, null, jsonb_build_object('undoes', b.id));
    return bulk;
end $$;
comment on function jobs.undo_bulk is 'Undoes, within ten minutes of its end, the bulk act bulk_id, as jobs.undo does for each of its entries in jobs.audit, and returns the number of the bulk act that undoes it, which can be cancelled and undone too. Each job that has changed since stays as it is. A deletion cannot be undone. The reason goes to jobs.audit.';
