-- For the console's pages of a job and of errors.

-- An error can be muted until a time, or until it is seen again. Null and false: until an operator unmutes it.
alter table work.error
    add column muted_until      timestamptz,
    add column muted_until_seen boolean not null default false;
comment on column work.error.muted_until is 'When it stops being muted; null: at no set time.';
comment on column work.error.muted_until_seen is 'It stops being muted when an attempt after muted_at has the error.';

-- The children of a job.
create index attempt_parent on work.attempt (parent_id) where parent_id is not null;
