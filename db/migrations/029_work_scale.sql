-- Scaling of worker processes: what operators set, what the loop remembers, and what it decided. Schema jobs has views of it.

create table work.scale_target (
    process_type text primary key,
    queues       text[] not null default '{}',
    mode         text not null default 'advise' check (mode in ('off', 'advise', 'on')),
    max_wait     interval not null check (max_wait > '0'),
    min          int not null check (min >= 0),
    max          int not null check (max >= 1 and max >= min),
    budget       float8 check (budget > 0),
    set_at       timestamptz not null default now(),
    set_by       text not null
);
comment on table work.scale_target is 'What operators set for each process type: jobs.set_scale, jobs.set_scale_mode.';
comment on column work.scale_target.queues is 'The queues whose jobs its workers take; empty: all.';
comment on column work.scale_target.mode is 'off: nothing is measured; advise: decisions are recorded but not carried out; on.';
comment on column work.scale_target.max_wait is 'The longest that a job should wait for its start.';
comment on column work.scale_target.budget is 'Dyno-hours a month; null: no limit.';
comment on column work.scale_target.set_by is 'Who set it, as in work.audit.who.';

-- Written every few seconds by the process that has the lease, so that another one can go on where it ends.
create table work.scale_state (
    process_type text primary key references work.scale_target on delete cascade,
    lease_by     text,
    lease_until  timestamptz,
    state        jsonb not null default '{}',
    quantity     int,
    api_limit    int not null default 0,
    boots        float8[] not null default '{}',
    ordered      jsonb not null default '{}',
    month        date,
    hours        float8 not null default 0,
    problem      text not null default '',
    at           timestamptz not null default now()
) with (fillfactor = 50);
comment on table work.scale_state is 'What the loop that scales remembers of each process type.';
comment on column work.scale_state.lease_by is 'The process that decides, until lease_until by the database''s clock. Then another may take over.';
comment on column work.scale_state.state is 'The planner''s state.';
comment on column work.scale_state.quantity is 'How many processes the platform had when it was last asked.';
comment on column work.scale_state.api_limit is 'The most processes that the platform allows, if it has refused more; 0: not known.';
comment on column work.scale_state.boots is 'The latest times from an order of a worker to its start, in seconds.';
comment on column work.scale_state.ordered is 'When workers that have not started yet were ordered, by their number.';
comment on column work.scale_state.month is 'The month of hours.';
comment on column work.scale_state.hours is 'Dyno-hours of the month so far.';
comment on column work.scale_state.problem is 'Why nothing can be changed at the moment, in a sentence; empty: nothing is wrong.';
comment on column work.scale_state.at is 'When it was last written.';

create table work.scale_drain (
    worker       text primary key,
    process_type text not null references work.scale_target on delete cascade,
    at           timestamptz not null default now()
);
comment on table work.scale_drain is 'The workers that the loop drains. It lets no worker take jobs again that an operator drains.';

create table work.scale_decision (
    id           bigint generated always as identity primary key,
    at           timestamptz not null,
    process_type text not null,
    mode         text not null,
    code         text not null,
    sentence     text not null,
    present      int not null,
    want         int not null,
    demand       int not null,
    bound        text not null default '',
    quantity     int not null,
    drain        int[] not null default '{}',
    inputs       jsonb not null,
    state        jsonb not null,
    answer       text not null default ''
);
create index scale_decision_at on work.scale_decision (process_type, at);
comment on table work.scale_decision is 'The decisions of 90 days: one when something changes, and one every five minutes. jobs.scale_decision describes the columns.';
