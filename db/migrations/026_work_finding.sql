-- What maintenance found last. To find it takes tens of milliseconds, and the console's pages ask for it each second.

create table work.finding (
    one  boolean primary key default true check (one),
    at   timestamptz not null,
    took interval not null,
    list jsonb not null
);
insert into work.finding values (true, '-infinity', '0', '[]');

comment on table work.finding is 'The rows of jobs.finding_now that maintenance found last: one row, for jobs.finding.';
comment on column work.finding.one is 'There is one row.';
comment on column work.finding.at is 'When maintenance looked.';
comment on column work.finding.took is 'How long that took: the longer, the less often it looks.';
comment on column work.finding.list is 'The rows, as JSON objects.';
