-- jobs.job: every job, one row each.
create view jobs.job as
select j.id,
       j.kind,
       j.queue,
       j.state::text                                            as state,
       j.priority,
       j.attempt,
       j.max_attempts,
       j.created_at                                             as enqueued_at,
       j.scheduled_at,
       j.attempted_at                                           as started_at,
       j.finalized_at                                           as finished_at,
       case when j.attempted_at is not null then j.attempted_at - greatest(j.created_at, least(j.scheduled_at, j.attempted_at))
            when j.state = 'available' then greatest(now() - j.scheduled_at, interval '0')
       end                                                      as wait,
       case when j.state = 'running' then now() - j.attempted_at
            else j.finalized_at - j.attempted_at
       end                                                      as run,
       j.attempted_by[array_upper(j.attempted_by, 1)]           as worker,
       j.metadata ->> 'request_id'                              as request_id,
       (j.metadata ->> 'parent_id')::bigint                     as parent_id,
       j.metadata ->> 'release'                                 as release,
       j.tags::text[]                                           as tags,
       j.args,
       j.errors[array_upper(j.errors, 1)] ->> 'error'           as last_error,
       j.metadata ->> 'held'                                    as held,
       coalesce((j.metadata ->> 'deaths')::int, 0)              as deaths
from river.river_job j;

comment on view jobs.job is 'Every job that is waiting, running or finished and not yet cleaned away (finished ones stay a day, discarded ones seven). Args are ids and small facts by rule: no secrets, no content.';
comment on column jobs.job.id is 'Number of the job, rising in the order of enqueueing.';
comment on column jobs.job.kind is 'What it does: the name of its worker, as in recommend_reader.';
comment on column jobs.job.queue is 'The queue that it waits in.';
comment on column jobs.job.state is 'available (ready to run), scheduled (later), retryable (failed, will be tried again), running, pending, completed, cancelled or discarded (failed for good).';
comment on column jobs.job.priority is '1 runs first, 4 last.';
comment on column jobs.job.attempt is 'How often it has been started. A hand-back at a worker''s clean stop does not count.';
comment on column jobs.job.max_attempts is 'After this many failed attempts it is discarded.';
comment on column jobs.job.enqueued_at is 'When the row was written, in the transaction of the data that caused it.';
comment on column jobs.job.scheduled_at is 'Not to be started before this time.';
comment on column jobs.job.started_at is 'Start of the latest attempt; null before the first.';
comment on column jobs.job.finished_at is 'When it was completed, cancelled or discarded.';
comment on column jobs.job.wait is 'Wait time: from when it was due (the later of enqueued and scheduled) to the start of its latest attempt; for a job that is still available, until now.';
comment on column jobs.job.run is 'Run time of the latest attempt; of a running job, until now.';
comment on column jobs.job.worker is 'The worker process that has it or had it last.';
comment on column jobs.job.request_id is 'The web request that caused it, as in the log lines.';
comment on column jobs.job.parent_id is 'The job that enqueued it, if one did.';
comment on column jobs.job.release is 'The release that enqueued it.';
comment on column jobs.job.tags is 'Free labels.';
comment on column jobs.job.args is 'Arguments: ids and small facts.';
comment on column jobs.job.last_error is 'The sentence of the latest failed attempt.';
comment on column jobs.job.held is 'Why it is held back rather than tried, where it is: a sentence. No attempt is spent meanwhile.';
comment on column jobs.job.deaths is 'How many workers died while they ran it. After two it runs alone (queue alone); a worker that dies then has died of it, and the job is discarded.';
