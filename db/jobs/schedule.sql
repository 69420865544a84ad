-- jobs.schedule: periodic jobs.

create view jobs.schedule as
select s.name, s.kind, s.words, s.spec, s.zone, s.next_at,
       s.paused_at is not null as paused, s.paused_at, s.paused_by, s.paused_reason,
       t.last_at, t.last_outcome, t.last_job, t.last_runs,
       (select coalesce(sum(m.missed), 0) + count(*) filter (where m.outcome = 'skipped')
        from work.tick m where m.schedule = s.name) as missed,
       s.missed as if_missed,
       case when s.paused_at is null and s.retired_at is null and s.broken is null and s.next_at < now() then now() - s.next_at end as overdue,
       case when work.json_refused(s.args) is null then jobs.redact(s.args::jsonb, coalesce(k.secrets, '{}')) end as args,
       s.opts, s.retired_at is not null as retired, s.created_at, s.updated_at, s.broken, s.dirty
from work.schedule s
left join work.kind k on k.kind = s.kind
left join lateral (
    select max(l.due_at) as last_at, (array_agg(l.outcome order by l.due_at desc))[1] as last_outcome,
           (array_agg(l.job_id order by l.due_at desc))[1] as last_job,
           jsonb_agg(jsonb_build_object('due_at', l.due_at, 'outcome', l.outcome, 'job_id', l.job_id, 'missed', l.missed,
               'state', (select j.state from river.river_job j where j.id = l.job_id)) order by l.due_at desc) as last_runs
    from (select * from work.tick x where x.schedule = s.name order by x.due_at desc limit 10) l) t on true;

comment on view jobs.schedule is 'Every periodic job, one row each. Workers and web processes find those that are due and enqueue their jobs.';
comment on column jobs.schedule.name is 'Names the schedule.';
comment on column jobs.schedule.kind is 'The kind of job that it enqueues.';
comment on column jobs.schedule.words is 'When, in words, as in: every day at 04:00 (Europe/Berlin). Empty while dirty.';
comment on column jobs.schedule.spec is 'When, as it was written: five fields of cron (minute hour day-of-month month day-of-week), or an interval: "every 90s", "every 10m", "every 36h", "every 1d", "every 2w". In the fields of cron 7 is Sunday as 0 is, names have three letters (sat-sun), and where both days are restricted either is enough. Intervals are counted from the beginning of 1970 in UTC, a Thursday; a day has 24 hours.';
comment on column jobs.schedule.zone is 'The time zone in which cron''s fields are read.';
comment on column jobs.schedule.next_at is 'When it is due next.';
comment on column jobs.schedule.paused is 'It enqueues nothing until it is resumed.';
comment on column jobs.schedule.paused_at is 'Since when.';
comment on column jobs.schedule.paused_by is 'Who paused it.';
comment on column jobs.schedule.paused_reason is 'And why.';
comment on column jobs.schedule.last_at is 'The latest time that it was due and seen to.';
comment on column jobs.schedule.last_outcome is 'What became of it: enqueued, duplicate (its unique twin was unfinished) or skipped.';
comment on column jobs.schedule.last_job is 'The job that was enqueued then, or the twin.';
comment on column jobs.schedule.last_runs is 'The last ten: {"due_at", "outcome", "job_id", "missed", "state"}, newest first. The job''s state is null once it is cleaned away.';
comment on column jobs.schedule.missed is 'How many due times passed with nobody there, as far back as ticks are kept: 30 days, and 100,000 ticks of all schedules.';
comment on column jobs.schedule.if_missed is 'What to do about those: once (run once for all of them) or skip.';
comment on column jobs.schedule.overdue is 'For how long it has been due without anybody seeing to it. More than a minute: neither a worker nor a web process is alive. Null for a broken one.';
comment on column jobs.schedule.args is 'Arguments of its jobs, redacted like jobs.job.args. Null if Postgres cannot read them: see broken.';
comment on column jobs.schedule.opts is 'How they are enqueued: {"queue", "priority", "max_attempts", "tags", "unique"}.';
comment on column jobs.schedule.retired is 'The newest release does not declare it any more.';
comment on column jobs.schedule.created_at is 'When it was first declared.';
comment on column jobs.schedule.updated_at is 'When it was last changed.';
comment on column jobs.schedule.broken is 'What is wrong with the row, and what to write instead: it begins with the column of work.schedule (spec, zone, kind, args or opts). Such a schedule enqueues nothing until it is corrected; a process looks within a second of a change. Null if nothing is wrong, and for a paused or retired one, which no process looks at.';
comment on column jobs.schedule.dirty is 'Its spec or zone is new or has changed, or it was resumed: the next process that looks works out words and next_at, within a second.';
