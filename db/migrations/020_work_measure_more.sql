-- Counts of attempts by release and against wait targets, their sums over longer times, the backlog, and what the args of a kind look
-- like. All is added; work.minute is not touched, so processes of an older release keep writing to it while this one's write beside it.

-- The wait target of a queue: the share of its attempts that should start within a duration.
create table work.queue_target (
    queue  text primary key,
    within interval not null check (within > '0'),
    share  float8 not null check (share > 0 and share < 1),
    set_at timestamptz not null default now(),
    set_by text not null
);
comment on table work.queue_target is 'The wait target of a queue: the share of its attempts that should start within a duration.';
comment on column work.queue_target.within is 'The longest wait of an attempt that is not late.';
comment on column work.queue_target.share is 'The share of attempts, between 0 and 1, that should not be late.';
comment on column work.queue_target.set_by is 'Who set it, as in work.audit.who.';

-- What work.minute has, also by release. The key of work.minute cannot get a release: releases before this one write with
-- "on conflict (minute, queue, kind)", and a new key takes minutes to build over millions of rows.
create table work.minute_release (
    minute      timestamptz not null,
    queue       text not null,
    kind        text not null,
    release     text not null,
    completed   int not null default 0,
    failed      int not null default 0,
    discarded   int not null default 0,
    cancelled   int not null default 0,
    snoozed     int not null default 0,
    handed_back int not null default 0,
    judged      int not null default 0,
    late        int not null default 0,
    wait        int[] not null,
    run         int[] not null,
    wait_s      float8 not null,
    run_s       float8 not null,
    primary key (minute, queue, kind, release)
);
comment on table work.minute_release is 'Attempts of the last 30 days, summed up by the minute in which they ended, queue, kind and release. Histograms are as in work.minute.';
comment on column work.minute_release.release is 'The release of the worker. A minute, queue and kind has rows for four releases; attempts of further ones are in a row for others.';
comment on column work.minute_release.failed is 'Attempts that failed and will be retried.';
comment on column work.minute_release.handed_back is 'Attempts that a stopping worker handed back, that could not read the arguments or that were lost.';
comment on column work.minute_release.judged is 'Attempts that were written while their queue had a wait target.';
comment on column work.minute_release.late is 'Those of them that had waited longer than the target.';
comment on column work.minute_release.wait is 'Histogram of the waits.';
comment on column work.minute_release.run is 'Histogram of the run times.';
comment on column work.minute_release.wait_s is 'The sum of the waits, in seconds.';
comment on column work.minute_release.run_s is 'The sum of the run times, in seconds.';
comment on table work.minute is 'Attempts that processes of a release without work.minute_release recorded, summed up by the minute in which they ended, queue and kind: none is older than 30 days. A histogram has 26 counts: element 1 counts durations below 1 ms, element i those from 2^(i-2) to 2^(i-1) ms, and element 26 those of 2^24 ms (4 h 40 min) or more.';

create view work.minutes as
select minute, queue, kind, release, completed, failed, discarded, cancelled, snoozed, handed_back, judged, late, wait, run, wait_s, run_s
from work.minute_release
union all
select minute, queue, kind, '', completed, failed, discarded, cancelled, snoozed, handed_back, 0, 0, wait, run, wait_s, run_s
from work.minute;
comment on view work.minutes is 'Attempts by minute, of this and of older releases: a minute, queue and kind may have several rows.';
comment on column work.minutes.release is 'The release, others, or empty: not known.';

-- Sums of work.minutes over complete hours, for charts and budgets of weeks.
create table work.hour (
    hour        timestamptz not null,
    queue       text not null,
    kind        text not null,
    release     text not null,
    completed   int not null,
    failed      int not null,
    discarded   int not null,
    cancelled   int not null,
    snoozed     int not null,
    handed_back int not null,
    judged      int not null,
    late        int not null,
    wait        int[] not null,
    run         int[] not null,
    wait_s      float8 not null,
    run_s       float8 not null,
    primary key (hour, queue, kind, release)
);
comment on table work.hour is 'Sums of work.minutes over complete hours, for 90 days. Columns are as in work.minute_release.';

-- Sums over ten minutes and all kinds and releases of a queue: a chart of a day or a month reads few rows.
create table work.ten_minutes (
    at        timestamptz not null,
    queue     text not null,
    completed int not null,
    failed    int not null,
    discarded int not null,
    ended     int not null,
    late      int not null,
    judged    int not null,
    wait      int[] not null,
    run       int[] not null,
    primary key (at, queue)
);
comment on table work.ten_minutes is 'Sums of work.minutes over ten complete minutes and all kinds and releases of a queue, for 90 days.';
comment on column work.ten_minutes.at is 'The first of the ten minutes.';
comment on column work.ten_minutes.ended is 'Attempts of every outcome.';

create table work.rollup (
    name  text primary key,
    until timestamptz not null
);
comment on table work.rollup is 'How far maintenance has summed up work.minutes.';
comment on column work.rollup.name is 'The table that has the sums: hour or ten_minutes.';
comment on column work.rollup.until is 'The end of what the table has. Later minutes are still to be read from work.minutes.';

-- In plpgsql, since the planner calls such a function to estimate how many minutes come after its result, and reads them by the index. Views call it for roles that may not read work.rollup.
create function work.summed(name text) returns timestamptz
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    return coalesce((select r.until from work.rollup r where r.name = summed.name), '-infinity');
end $$;
comment on function work.summed(text) is 'The end of what the table hour or ten_minutes has.';

-- The backlog, once a minute.
create table work.backlog (
    queue     text not null,
    minute    timestamptz not null,
    available int not null,
    running   int not null,
    retryable int not null,
    primary key (queue, minute)
);
create index backlog_minute on work.backlog (minute); -- what is too old is deleted by it
comment on table work.backlog is 'How many jobs were unfinished, counted once a minute, for 30 days.';
comment on column work.backlog.queue is 'The queue, or empty: all queues. Every count has a row for all; of the queues, the 50 with most unfinished jobs have one.';
comment on column work.backlog.available is 'Jobs that were ready to run.';
comment on column work.backlog.running is 'Running jobs.';
comment on column work.backlog.retryable is 'Failed jobs that waited for their retry.';

-- What the args of a kind look like. Null: no process of a release that tells has registered the kind.
alter table work.kind
    add column args_schema  jsonb,
    add column args_example jsonb;
comment on column work.kind.args_schema is 'The JSON Schema of the args, derived from their Go type.';
comment on column work.kind.args_example is 'Made-up args that fit the schema. They contain no data of a job.';
