-- An act on many jobs is one row of work.audit. What undoing it takes is kept apart, and only while it may be undone.

-- What an act may change of a job, and what tells that the job has moved since. It holds no arguments and no other metadata.
create type work.image as (
    state               text,
    attempt             smallint,
    attempted_at        timestamptz,
    max_attempts        smallint,
    scheduled_at        timestamptz,
    finalized_at        timestamptz,
    cancel_attempted_at jsonb, -- of the metadata, as is snoozes
    snoozes             jsonb
);

alter table work.audit
    add column jobs       int,         -- how many jobs were changed; null in rows of an older release
    add column job_ids    bigint[],    -- which, if they were several; one is in job_id
    add column undoes     bigint,      -- the row of work.audit that this one takes back
    add column undo_until timestamptz; -- null: cannot be undone
create index audit_job_ids on work.audit using gin (job_ids) where job_ids is not null;

-- Each job that an act changed, as it was and as the act left it. Deleted once "until" has passed.
create table work.undo (
    audit_id bigint not null,
    job_id   bigint not null,
    until    timestamptz not null,
    before   work.image not null,
    after    work.image not null,
    primary key (audit_id, job_id)
);
