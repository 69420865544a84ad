-- Periodic jobs are rows: whoever finds one due enqueues it, and no restart, release or number of processes changes that.

-- A row may be made or changed by SQL: name, kind, spec and missed are enough. What spec and zone mean is worked out by the
-- next process that looks, within a second: it fills in words and next_at.
create table work.schedule (
    name          text primary key,
    kind          text not null,
    args          json not null default '{}', -- not jsonb: unique keys are made of the very text
    opts          jsonb not null default '{}', -- queue, priority, max_attempts, tags, unique {args, period, queue, states, exclude_kind}
    spec          text not null, -- five fields of cron, or "every 10m"
    zone          text not null default 'UTC', -- in which cron's fields are read, as in Europe/Berlin
    words         text not null default '', -- spec and zone for people, as in "every day at 04:00 (Europe/Berlin)"; '' until somebody has looked
    missed        text not null check (missed in ('once', 'skip')), -- ticks that nobody was there for: run once, or not at all
    next_at       timestamptz not null default now(), -- when the next tick is due
    paused_at     timestamptz,
    paused_by     text,
    paused_reason text,
    declared      text not null default '', -- what the program last declared, '' if it never did; a change there overrides what was changed here
    retired_at    timestamptz, -- the newest release does not declare it any more
    created_at    timestamptz not null default now(),
    updated_at    timestamptz not null default now()
);
create index schedule_due on work.schedule (next_at) where paused_at is null and retired_at is null;

-- Whoever changes when a schedule ticks has its words and next tick worked out anew; whoever resumes one, its next tick:
-- what it would have done while it was paused was not missed, but wanted so.
create function work.schedule_changed() returns trigger language plpgsql as $$
begin
    if (old.spec, old.zone) is distinct from (new.spec, new.zone) and new.words = old.words
            or old.paused_at is not null and new.paused_at is null and new.next_at = old.next_at then
        new.words := '';
    end if;
    new.updated_at := now();
    return new;
end $$;
create trigger schedule_changed before update of spec, zone, paused_at on work.schedule
    for each row execute function work.schedule_changed();

-- What became of each tick, for 30 days. The key makes a second one of the same time impossible.
create table work.tick (
    schedule text not null references work.schedule on delete cascade,
    due_at   timestamptz not null,
    outcome  text not null check (outcome in ('enqueued', 'duplicate', 'skipped')), -- duplicate: its unique twin was unfinished
    job_id   bigint, -- what was enqueued, or the twin
    missed   int not null default 0, -- earlier ticks that nobody was there for and that this one stands for
    at       timestamptz not null default now(), -- when it was seen to
    by       text not null, -- the process that did
    primary key (schedule, due_at)
);
