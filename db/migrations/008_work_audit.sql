-- Who did what to the jobs, what kinds there are, and what must not be shown of them.

-- Every act of schema jobs that changed something: one row for each job, queue, worker or error that it changed.
create table work.audit (
    id          bigint generated always as identity primary key,
    at          timestamptz not null default now(), -- of the transaction: a queue's paused_at is this very time
    who         text not null default coalesce(nullif(current_setting('jobs.who', true), ''),
                    session_user || coalesce(' (' || nullif(current_setting('application_name', true), '') || ')', '')),
    role        text not null default session_user, -- what nobody can make up, whatever "who" says
    application text not null default coalesce(current_setting('application_name', true), ''),
    xid         bigint not null default pg_current_xact_id()::text::bigint, -- what was done in one transaction has one number
    act         text not null, -- retry, cancel, discard, delete, run_now, enqueue, pause, resume, drain, undrain, mute, …
    job_id      bigint,
    queue       text, -- '*' means all
    worker      text,
    fingerprint text, -- of an error
    reason      text,
    before      jsonb, -- what the act changed, as it was
    after       jsonb -- and as it is since
);
create index audit_job on work.audit (job_id) where job_id is not null;
create index audit_queue on work.audit (queue, at) where job_id is null and queue is not null;
create index audit_at on work.audit (at);

-- The kinds that processes registered at their start.
create table work.kind (
    kind    text primary key,
    secrets text[] not null default '{}', -- keys of its arguments and metadata that are not to be shown, in lower case
    opts    jsonb not null default '{}', -- what its jobs are enqueued with: as work.schedule.opts, and unique may have "keys"
    release text not null default '', -- that registered it last
    seen_at timestamptz not null default now()
);

-- What a worker takes. Empty: nobody said, so everything.
alter table work.worker
    add column queues text[] not null default '{}',
    add column kinds text[] not null default '{}';
