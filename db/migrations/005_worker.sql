-- The back office's own tables: who works.

create schema if not exists work; -- db.Migrate makes it; whoever reads only these files wants it here

create table work.worker (
    id           text primary key, -- River's client id, which jobs name in attempted_by
    process_type text not null default 'worker',
    dyno         text not null default '', -- the platform's name for the process, "worker.2"
    index        int, -- its number there: 2
    release      text not null default '',
    slots        int not null, -- jobs that it may run at once
    running      int not null default 0,
    rss_bytes    bigint, -- resident memory
    draining     boolean not null default false, -- set by an operator: fetch nothing, keep what runs
    drained_at   timestamptz, -- the worker's acknowledgement: since then it has fetched nothing
    lock_key     bigint not null, -- session advisory lock that its connection holds
    locked       boolean not null default false, -- it got that lock: only then does a missing lock mean anything
    started_at   timestamptz not null default clock_timestamp(),
    seen_at      timestamptz not null default clock_timestamp(), -- its last beat, by the database's clock
    stopped_at   timestamptz, -- it went by itself and handed everything back
    dead_at      timestamptz -- declared dead; a beat takes it back
);
create index worker_alive on work.worker (id) where stopped_at is null and dead_at is null;

-- Who changes draining is heard at once; the worker would otherwise see it at its next beat.
create function work.worker_draining() returns trigger language plpgsql as $$
begin
    perform pg_notify('work_control', new.id);
    return null;
end $$;
create trigger worker_draining after update of draining on work.worker
    for each row when (old.draining is distinct from new.draining) execute function work.worker_draining();
