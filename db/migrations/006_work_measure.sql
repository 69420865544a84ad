-- What attempts and requests did: written by the processes in batches, beside their work and never in its way.

-- Durations are kept as histograms of 26 counts, which add up: element 1 counts what took less than 1 ms, element i what
-- took from 2^(i-2) to 2^(i-1) ms, and element 26 what took 2^24 ms (4 h 40 min) or more.

-- work.sum adds two histograms, element by element.
create function work.sum(a int[], b int[]) returns int[]
language sql immutable strict parallel safe
return (select array_agg(coalesce(x, 0) + coalesce(y, 0) order by o) from unnest(a, b) with ordinality as t (x, y, o));

create aggregate work.sum(int[]) (sfunc = work.sum, stype = int[], combinefunc = work.sum, parallel = safe);

-- Every release that has run here: the marks on charts.
create table work.release (
    name          text primary key,
    first_seen_at timestamptz not null default now() -- when the first process of it started
);

-- Every attempt, for a day; of more than 500,000 the oldest completed ones go first. The newest of a job may be missing for
-- a second: they come in batches.
create table work.attempt (
    job_id      bigint not null,
    attempt     int not null, -- as the job counted then; a snooze or hand-back gives the number back, so it may recur
    kind        text not null,
    queue       text not null,
    outcome     text not null, -- completed, failed (tried again), discarded, cancelled, snoozed, handed back, held, lost
    worker      text not null, -- work.worker.id
    release     text not null, -- of the worker
    request_id  text, -- the web request at the beginning of it all
    parent_id   bigint, -- the job that enqueued this one
    due_at      timestamptz not null, -- the later of enqueued and scheduled; the wait is from here to started_at
    started_at  timestamptz not null, -- by the database's clock
    ended_at    timestamptz not null, -- started_at and the run time, which the worker measured
    error       text,
    trace       text, -- of a panic: its stack
    fingerprint text, -- of the error: work.error
    steps       jsonb -- [{"name": "…", "at_ms": 0.1, "ms": 2.5, "queries": 3, "sql_ms": 1.9}], in the order of their start
        -- Queries count for the innermost step. Those outside of any are in one named 'outside of steps'; of more than 50
        -- steps the others are summed up in a last one, as in '7 more steps'.
);
create index attempt_job on work.attempt (job_id);
create index attempt_ended on work.attempt (ended_at);
create index attempt_request on work.attempt (request_id) where request_id is not null;
create index attempt_error on work.attempt (fingerprint, ended_at) where fingerprint is not null;

-- The same, summed up by minute, queue and kind, for 30 days.
create table work.minute (
    minute      timestamptz not null, -- in which the attempts ended
    queue       text not null,
    kind        text not null,
    completed   int not null default 0,
    failed      int not null default 0, -- and will be tried again
    discarded   int not null default 0,
    cancelled   int not null default 0,
    snoozed     int not null default 0,
    handed_back int not null default 0, -- at a stop, held, or lost to another attempt: nobody's failure
    wait        int[] not null, -- histogram
    run         int[] not null, -- histogram
    wait_s      float8 not null, -- sum, in seconds
    run_s       float8 not null,
    primary key (minute, queue, kind)
);

-- Every error by its fingerprint: its text without what differs from one time to the next.
create table work.error (
    fingerprint   text primary key,
    message       text not null, -- of the latest attempt that had it
    first_seen_at timestamptz not null,
    last_seen_at  timestamptz not null,
    first_release text not null,
    last_release  text not null,
    resolved_at   timestamptz, -- somebody said that it is mended; seen after that, it has regressed
    resolved_by   text,
    muted_at      timestamptz, -- somebody does not want to hear of it
    muted_by      text,
    muted_reason  text
);

-- How often, by hour, kind and release, for 30 days.
create table work.error_hour (
    fingerprint text not null references work.error on delete cascade,
    hour        timestamptz not null,
    kind        text not null,
    release     text not null,
    attempts    int not null,
    primary key (fingerprint, hour, kind, release)
);

-- Requests that enqueued jobs, for a day and 100,000 at most. When there are many, only some are written. One whose
-- transaction was rolled back is not among them.
create table work.request (
    id         text primary key, -- as in the log lines and the X-Request-Id header
    method     text not null,
    route      text not null, -- the pattern, as in /books/{id}/rating
    status     int not null,
    started_at timestamptz not null,
    ended_at   timestamptz not null,
    release    text not null,
    process    text not null, -- the platform's name, as in web.1
    jobs       bigint[] not null, -- ids of what it enqueued
    steps      jsonb, -- as in work.attempt
    stands_for int not null default 1 -- how many requests like it were left out for it, itself included
);
create index request_started on work.request (started_at);
