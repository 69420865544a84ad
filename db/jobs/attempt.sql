-- jobs.attempt: how every attempt of the last day ended.

create view jobs.attempt as
select a.job_id, a.attempt, a.kind, a.queue, a.outcome, a.worker, a.release, a.request_id, a.parent_id,
       a.due_at, a.started_at, a.ended_at,
       greatest(a.started_at - a.due_at, interval '0') as wait,
       a.ended_at - a.started_at                       as run,
       a.error, a.fingerprint, a.trace, a.steps, a.code, true as stored
from work.attempt a
union all
-- The first attempts of brief jobs that completed and have nothing that the jobs' rows lack: see isInJob in internal/work/record.
select j.id, 1, j.kind, j.queue, 'completed', jobs.runner(j.attempted_by),
       coalesce((select w.release from work.worker w where w.id = jobs.runner(j.attempted_by)), ''), null, null,
       t.due_at, t.started_at, j.finalized_at, case when isfinite(t.started_at) and isfinite(t.due_at) then t.started_at - t.due_at end,
       case when isfinite(t.started_at) and isfinite(j.finalized_at) then j.finalized_at - t.started_at end,
       null, null, null, null, null, false
from river.river_job j
join work.kind k on k.kind = j.kind and k.brief
cross join lateral (select least(greatest(j.created_at, j.scheduled_at), j.attempted_at) as due_at, j.attempted_at as started_at) t
where j.state = 'completed' and j.attempt = 1 and not exists (select from work.attempt a where a.job_id = j.id);

comment on view jobs.attempt is 'Every attempt that ended in the last day; the newest may be missing for a second. Fast by job_id, parent_id, request_id, fingerprint and ended_at. Add: where stored, to read the newest quickly. For longer periods, use jobs.minute.';
comment on column jobs.attempt.job_id is 'The job: see jobs.job.';
comment on column jobs.attempt.attempt is 'The job''s count of attempts at the time. A snooze or hand-back lowers the count again, so the number may recur.';
comment on column jobs.attempt.kind is 'The job''s kind.';
comment on column jobs.attempt.queue is 'The queue that the worker took it from.';
comment on column jobs.attempt.outcome is 'A code: completed, failed (will be retried), discarded (failed for good, or a poison pill), cancelled, snoozed, handed back (its worker stopped), held (its arguments could not be read) or lost (its worker died or never received it, or another attempt had taken the job).';
comment on column jobs.attempt.worker is 'The worker process that ran it: see jobs.worker.';
comment on column jobs.attempt.release is 'The release of that worker.';
comment on column jobs.attempt.request_id is 'The web request that caused the job: see jobs.request.';
comment on column jobs.attempt.parent_id is 'The job that enqueued this one, if one did.';
comment on column jobs.attempt.due_at is 'When it was due: the latest of enqueued, scheduled and rescued.';
comment on column jobs.attempt.started_at is 'When it started, by the database''s clock.';
comment on column jobs.attempt.ended_at is 'When it ended.';
comment on column jobs.attempt.wait is 'From due_at to started_at.';
comment on column jobs.attempt.run is 'From started_at to ended_at.';
comment on column jobs.attempt.error is 'The error message, if it failed.';
comment on column jobs.attempt.fingerprint is 'The error''s fingerprint: see jobs.error.';
comment on column jobs.attempt.trace is 'The stack, if it panicked.';
comment on column jobs.attempt.code is 'Why the job system ended the attempt: worker_died, worker_stopped (and handed its jobs back), not_received (the worker''s connection broke before it received the job), unregistered (no known worker has the job) or poison_pill (a worker died while it ran the job isolated). Null if the attempt ended by itself.';
comment on column jobs.attempt.stored is 'It has a row of its own. False for the completed first attempt of a brief job (see jobs.kind.brief) that is read from the job''s row: it has no request, parent or steps.';
comment on column jobs.attempt.steps is 'Its steps, in order: [{"name", "at_ms", "ms", "queries", "trips", "sql_ms"}]. trips are the round trips to the database in which the queries were sent; older steps lack them.';
