-- Brief kinds: their jobs run in batches. See internal/work/brief.

alter table work.kind add column brief boolean not null default false;
comment on column work.kind.brief is 'Its jobs run in batches, and are not shown as running.';
