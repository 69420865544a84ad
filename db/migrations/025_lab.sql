-- The lab: runs of its experiments. They are kept for a week, under ids that cannot be guessed. See internal/lab.

create table lab_run (
    id         text primary key,
    experiment text not null,
    reader_id  bigint not null references reader on delete cascade,
    started_by text not null,
    started_at timestamptz not null default now(),
    seen_at    timestamptz not null default now(),
    ended_at   timestamptz,
    doing      text not null default '',
    problem    text not null default '',
    result     jsonb not null default '{}'
);
comment on table lab_run is 'A run of an experiment of the lab, with what it has measured.';
comment on column lab_run.experiment is 'The experiment, as in its address.';
comment on column lab_run.reader_id is 'The account on which the experiment works.';
comment on column lab_run.started_by is 'Who started it.';
comment on column lab_run.seen_at is 'When the process that runs it was last known to be alive.';
comment on column lab_run.doing is 'What it does at the moment, in a sentence.';
comment on column lab_run.problem is 'Why it did not come to its end, in a sentence; empty: it did, or still runs.';
comment on column lab_run.result is 'What its page draws: sentences, figures, bars, tables and the statements behind them.';
-- One experiment runs at a time, in all processes: two would measure each other.
create unique index lab_run_one on lab_run ((true)) where ended_at is null;
create index lab_run_started on lab_run (started_at);

create table lab_request (
    run_id     text not null references lab_run on delete cascade,
    side       text not null,
    request_id text not null,
    started_at timestamptz not null,
    ended_at   timestamptz not null,
    status     int not null,
    steps      jsonb,
    primary key (run_id, side)
);
comment on table lab_request is 'The requests of the experiment "Inline or in the background". jobs.request has only requests that enqueued a job.';
comment on column lab_request.side is 'inline or background.';
comment on column lab_request.request_id is 'As in jobs.attempt.';
comment on column lab_request.ended_at is 'When the answer was written.';
comment on column lab_request.steps is 'As in jobs.request.';

create table lab_effect (
    id      bigint generated always as identity primary key,
    run_id  text not null references lab_run on delete cascade,
    part    text not null,
    what    text not null,
    item    int not null,
    job_id  bigint,
    attempt int,
    worker  text,
    at      timestamptz not null default clock_timestamp()
);
comment on table lab_effect is 'What the jobs and transactions of an experiment did.';
comment on column lab_effect.part is 'The part of the experiment, such as big or small.';
comment on column lab_effect.what is 'What happened, such as sent or recorded.';
comment on column lab_effect.item is 'To which item of the part.';
create index lab_effect_run on lab_effect (run_id, part, what);
