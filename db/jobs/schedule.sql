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

comment on view jobs.schedule is 'Every periodic job, one row each. Workers and web processes enqueue its jobs when they are due.';
comment on column jobs.schedule.name is 'The schedule''s name.';
comment on column jobs.schedule.kind is 'The kind of the jobs that it enqueues.';
comment on column jobs.schedule.words is 'When it runs, in words, as in: every day at 04:00 (Europe/Berlin). Empty while dirty.';
comment on column jobs.schedule.spec is 'When it runs, as written: five fields of cron (minute hour day-of-month month day-of-week), or an interval: "every 90s", "every 10m", "every 36h", "every 1d", "every 2w". In cron fields 0 and 7 are Sunday, names have three letters (sat-sun), and if both days are restricted a match of either is enough. Intervals are counted from the beginning of 1970 in UTC, a Thursday; a day has 24 hours.';
comment on column jobs.schedule.zone is 'The time zone of the cron fields.';
comment on column jobs.schedule.next_at is 'When its next run is due.';
comment on column jobs.schedule.paused is 'It enqueues nothing until it is resumed.';
comment on column jobs.schedule.paused_at is 'Since when.';
comment on column jobs.schedule.paused_by is 'Who paused it.';
comment on column jobs.schedule.paused_reason is 'And why.';
comment on column jobs.schedule.last_at is 'When its latest run was due.';
comment on column jobs.schedule.last_outcome is 'What that run did: enqueued, duplicate (another job held the unique key) or skipped.';
comment on column jobs.schedule.last_job is 'The job that was enqueued then, or the one that held the unique key.';
comment on column jobs.schedule.last_runs is 'The last ten runs, newest first: {"due_at", "outcome", "job_id", "missed", "state"}. The job''s state is null once the job is deleted.';
comment on column jobs.schedule.missed is 'How many runs were missed because no process was up. Runs are kept for 30 days, and 100,000 of all schedules.';
comment on column jobs.schedule.if_missed is 'What to do about missed runs: once (one run for all of them) or skip.';
comment on column jobs.schedule.overdue is 'For how long a run has been due but not enqueued. More than a minute means that no worker or web process is alive. Null for a broken schedule.';
comment on column jobs.schedule.args is 'Arguments of its jobs, redacted like jobs.job.args. Null if Postgres cannot read them: see broken.';
comment on column jobs.schedule.opts is 'The options of its jobs: {"queue", "priority", "max_attempts", "tags", "unique"}.';
comment on column jobs.schedule.retired is 'The newest release no longer declares it.';
comment on column jobs.schedule.created_at is 'When it was first declared.';
comment on column jobs.schedule.updated_at is 'When it was last changed.';
comment on column jobs.schedule.broken is 'What is wrong with the row and what to write instead, beginning with the column of work.schedule: spec, zone, kind, args or opts. A broken schedule enqueues nothing until it is corrected. A process checks a changed row within a second, but not while the schedule is paused or retired: null then, and if nothing is wrong.';
comment on column jobs.schedule.dirty is 'Its spec or zone is new or has changed, or it was resumed. A process will compute words and next_at within a second.';
