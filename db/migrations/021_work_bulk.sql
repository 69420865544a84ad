-- Bulk acts: an act on all jobs that match a search line. Processes work them off in chunks, outside River's queues, because a
-- paused queue must not stop them.

create table work.bulk (
    id          bigint generated always as identity primary key,
    act         text not null check (act in ('retry', 'cancel', 'discard', 'delete', 'run_now', 'snooze', 'undo')),
    search      text not null default '',
    highest_id  bigint not null default 0,
    expected    bigint,
    matches     bigint,
    reason      text,
    until       timestamptz,
    who         text not null default coalesce(nullif(current_setting('jobs.who', true), ''),
                    session_user || coalesce(' (' || nullif(current_setting('application_name', true), '') || ')', '')),
    state       text not null default 'waiting' check (state in ('waiting', 'running', 'grown', 'done', 'cancelled', 'failed')),
    created_at  timestamptz not null default now(),
    started_at  timestamptz,
    finished_at timestamptz,
    last_id     bigint not null default 0,
    done        bigint not null default 0,
    changed     bigint not null default 0,
    unchanged   bigint not null default 0,
    codes       jsonb not null default '{}',
    failures    int not null default 0,
    error       text,
    undoes      bigint,
    undo_until  timestamptz,
    lease_by    text,
    lease_until timestamptz
);
create index bulk_unfinished on work.bulk (id) where state in ('waiting', 'running'); -- every process looks here every second
create index bulk_undoes on work.bulk (undoes) where undoes is not null;

comment on table work.bulk is 'Bulk acts of the last 400 days: jobs.bulk describes the columns that people read. Each chunk commits together with its cursor and counts, so that a process that takes over repeats nothing.';
comment on column work.bulk.search is 'The search line; empty for an undo.';
comment on column work.bulk.expected is 'How many jobs the person who started or confirmed it has seen; null if they were too many to count. The first process to work on it counts them then.';
comment on column work.bulk.matches is 'How many jobs matched when a process last counted; null before the first count.';
comment on column work.bulk.last_id is 'The cursor: jobs up to this id are done. For an undo, entries of work.audit from this id on are.';
comment on column work.bulk.failures is 'How often in a row a chunk has failed.';
comment on column work.bulk.undo_until is 'Until when its entries of work.audit can be undone. Null while it is unfinished, or if nothing can be undone; infinity while it is being undone.';
comment on column work.bulk.lease_by is 'The process that works on it, until lease_until by the database''s clock. Then another may take over.';

alter table work.audit add column bulk_id bigint;
alter table work.audit alter column bulk_id set default nullif(current_setting('jobs.bulk', true), '')::bigint;
create index audit_bulk on work.audit (bulk_id, id) where bulk_id is not null;
comment on column work.audit.bulk_id is 'The bulk act that it belongs to. Its undo_until is infinity then: work.bulk.undo_until decides.';
