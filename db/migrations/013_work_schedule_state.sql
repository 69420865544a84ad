-- What state a schedule is in stands in columns of its own. Until here its words said it: '' and 'cannot be read: …'.

alter table work.schedule
    add column dirty     boolean not null default true, -- words and next_at are to be worked out from spec and zone
    add column unchecked boolean not null default true, -- whether kind, args and opts can be enqueued is to be found out
    add column broken    text; -- what is wrong with the row and what to write instead; null if nothing is, or if nobody has looked
update work.schedule set dirty = words = '' or words like 'cannot be read: %';

-- The next process that looks, within a second, works out what a change leaves open. A resumed schedule has only its next tick
-- worked out: what it would have done while it was paused was not missed, but wanted so. After a change to its job alone a tick
-- that is due stays due.
create or replace function work.schedule_changed() returns trigger language plpgsql as $$
begin
    if (old.spec, old.zone) is distinct from (new.spec, new.zone)
            or old.paused_at is not null and new.paused_at is null and new.next_at = old.next_at then
        new.dirty := true;
        new.words := ''; -- tells a process of an older release
    end if;
    if (old.kind, old.args::text, old.opts) is distinct from (new.kind, new.args::text, new.opts) then
        new.unchecked := true;
    end if;
    if (old.spec, old.zone, old.kind, old.args::text, old.opts) is distinct from (new.spec, new.zone, new.kind, new.args::text, new.opts) then
        new.broken := null;
    end if;
    new.updated_at := now();
    return new;
end $$;
drop trigger schedule_changed on work.schedule;
create trigger schedule_changed before update of spec, zone, paused_at, kind, args, opts on work.schedule
    for each row execute function work.schedule_changed();

-- A process of an older release knows dirty by words alone: where it has worked out both, they are not worked out again, or a tick
-- that came due in between would be lost. To be dropped once no such release runs.
create function work.schedule_of_older_release() returns trigger language plpgsql as $$
begin
    if old.dirty and new.dirty and new.broken is null and new.words <> '' and new.words not like 'cannot be read: %' then
        new.dirty := false;
    end if;
    return new;
end $$;
create trigger schedule_of_older_release before update of words on work.schedule
    for each row execute function work.schedule_of_older_release();

-- Type json takes what jsonb does not: NUL, half of a surrogate pair, numbers beyond numeric.
create function work.json_refused(value json) returns text language plpgsql immutable -- not parallel safe: no subtransaction is
set search_path = pg_catalog, pg_temp as $$
begin
    perform value::jsonb;
    return null;
exception when others then
    return sqlstate;
end $$;
comment on function work.json_refused is 'The SQLSTATE with which jsonb refuses the value; null if it takes it.';
