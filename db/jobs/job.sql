-- jobs.job: every job, one row each, and jobs.search, which finds jobs by their arguments.

-- The join brings the kind's marks for redaction, and it makes the view read-only: nobody updates a job around the rules.
create view jobs.job as
select j.id,
       j.kind,
       j.queue,
       j.state,
       j.priority,
       j.attempt,
       j.max_attempts,
       j.created_at                                             as enqueued_at,
       j.scheduled_at,
       j.attempted_at                                           as started_at,
       j.finalized_at                                           as finished_at,
       -- SQL may write times that are infinite, or too far apart to be subtracted
       case when j.state = 'available' then now() - nullif(least(now(), greatest(j.created_at, j.scheduled_at, r.at)), '-infinity')
            when isfinite(j.attempted_at) then least(j.attempted_at, '9999-12-31') - nullif(least(greatest(nullif(j.created_at, 'infinity'),
                least(j.scheduled_at, j.attempted_at), case when r.at <= j.attempted_at then r.at end), '9999-12-31'), '-infinity')
       end                                                      as wait,
       case when not isfinite(j.attempted_at) then null
            when j.state = 'running' then now() - least(j.attempted_at, '9999-12-31')
            when isfinite(j.finalized_at) then least(j.finalized_at, '9999-12-31') - least(j.attempted_at, '9999-12-31')
       end                                                      as run,
       jobs.runner(j.attempted_by)                              as worker,
       j.metadata ->> 'request_id'                              as request_id,
       case when j.metadata ->> 'parent_id' ~ '^\d{1,18}$' then (j.metadata ->> 'parent_id')::bigint end as parent_id,
       j.metadata ->> 'release'                                 as release,
       j.tags::text[]                                           as tags,
       jobs.redact(j.args, coalesce(k.secrets, '{}'))           as args,
       j.errors[array_upper(j.errors, 1)] ->> 'error'           as last_error,
       j.errors[array_upper(j.errors, 1)] ->> 'code'            as last_error_code,
       j.metadata ->> 'held'                                    as held,
       case when j.metadata ->> 'deaths' ~ '^\d{1,9}$' then (j.metadata ->> 'deaths')::int else 0 end as deaths,
       case when jsonb_typeof(j.metadata -> 'progress' -> 'percent') = 'number'
                 and coalesce(j.metadata -> 'progress' ->> 'of', r.began) = r.began
            then (j.metadata -> 'progress' ->> 'percent')::numeric end as progress,
       case when coalesce(j.metadata -> 'progress' ->> 'of', r.began) = r.began
            then j.metadata -> 'progress' ->> 'sentence' end    as progress_note,
       why.waiting,
       case why.waiting
           when 'unreadable' then j.metadata ->> 'held'
           when 'pending' then 'pending until it is released'
           when 'paused' then 'its queue is paused'
           when 'duplicate' then 'another job with its unique key is not finished'
           when 'backing_off' then 'failed, and not due for its next try'
           when 'scheduled' then 'scheduled for later'
           when 'due' then 'due: a worker or web process makes it available in a moment'
           when 'queued' then 'waiting its turn'
           when 'isolated' then 'waiting its turn to run alone'
           when 'no_worker' then 'no worker is alive'
           when 'no_worker_for_queue' then 'no live worker takes this queue'
           when 'no_worker_for_kind' then 'no live worker takes this kind'
           when 'all_draining' then 'every worker that takes it is draining'
       end                                                      as why_waiting,
       j.metadata ->> 'queue'                                   as home_queue,
       j.state = 'running' and j.metadata ? 'cancel_attempted_at' as cancelling,
       (select t.id from river.river_job t
        where j.unique_key is not null and t.unique_key = j.unique_key and t.unique_states is not null
          and river.river_job_state_in_bitmask(t.unique_states, t.state) and t.id <> j.id
        limit 1)                                                as twin,
       j.unique_key is not null                                 as is_unique,
       j.errors,
       j.metadata -> 'river:log'                                as logs,
       case when jsonb_typeof(j.metadata) = 'object'
            then jobs.redact(j.metadata - 'river:log', coalesce(k.secrets, '{}')) end as metadata
from river.river_job j
left join work.kind k on k.kind = j.kind
cross join lateral (select case when jsonb_typeof(j.metadata -> 'rescued_at') = 'number'
    then to_timestamp(greatest(least((j.metadata ->> 'rescued_at')::numeric, 1e10), 0)::float8) end as at,
    trunc(extract(epoch from j.attempted_at) * 1000000)::text as began) r
-- The planner writes this code into each of its two columns that a query asks for. A subquery that worked it out once for both
-- would cost queries that ask for neither their index-only scans.
cross join lateral (
    select case
           when j.state not in ('available', 'pending', 'retryable', 'scheduled') then null
           when j.metadata ->> 'held' is not null and j.scheduled_at > now() then 'unreadable'
           when j.state = 'pending' then 'pending'
           when exists (select from river.river_queue q where q.name in (j.queue, case when j.queue = 'alone' then j.metadata ->> 'queue' end) and q.paused_at is not null)
               then 'paused'
           when j.state in ('retryable', 'scheduled') and j.unique_key is not null and exists (
                   select from river.river_job t
                   where t.unique_key = j.unique_key and t.unique_states is not null
                     and river.river_job_state_in_bitmask(t.unique_states, t.state) and t.id <> j.id)
               then 'duplicate'
           when j.scheduled_at > now() and (j.state = 'retryable' or j.attempt > 0 and j.errors is not null) then 'backing_off'
           when j.scheduled_at > now() then 'scheduled'
           when j.state in ('retryable', 'scheduled') then 'due'
           when exists (
                   select from jobs.live w
                   where not w.draining
                     and (w.queues = '{}' or j.queue = any (w.queues) or j.queue = 'alone')
                     and (w.kinds = '{}' or j.kind = any (w.kinds)))
               then case when j.queue = 'alone' then 'isolated' else 'queued' end
           when exists (
                   select from jobs.leader() l
                   where l.expires_at > now() and l.role = 'unregistered')
               then 'queued' -- a plain River program leads, which does not say which queues it works
           when exists (select from jobs.leader() l where l.leader_id is null) and not exists (select from work.worker)
               then null -- on a replica: a plain River program may lead
           when not exists (select from jobs.live)
               then 'no_worker'
           when exists (
                   select from jobs.live w
                   where (w.queues = '{}' or j.queue = any (w.queues) or j.queue = 'alone')
                     and (w.kinds = '{}' or j.kind = any (w.kinds)))
               then 'all_draining'
           when exists (
                   select from jobs.live w
                   where w.queues = '{}' or j.queue = any (w.queues) or j.queue = 'alone')
               then 'no_worker_for_kind'
           else 'no_worker_for_queue'
       end as waiting) why;

comment on view jobs.job is 'Every job that is waiting, running or finished and not yet cleaned away (finished ones stay a day, discarded ones seven). Quick by id, by state with finished_at or scheduled_at, and by queue among the available. What looks secret in args and metadata is [redacted], and what the kind marks. To count finished jobs ask jobs.minute.';
comment on column jobs.job.id is 'Number of the job, rising in the order of enqueueing.';
comment on column jobs.job.kind is 'What it does: the name of its worker, as in send_invoice.';
comment on column jobs.job.queue is 'The queue that it waits in.';
comment on column jobs.job.state is 'available (ready to run), scheduled (later), retryable (failed, will be tried again), running, pending, completed, cancelled or discarded (failed for good).';
comment on column jobs.job.priority is '1 runs first, 4 last.';
comment on column jobs.job.attempt is 'How often it has been started. A hand-back at a worker''s clean stop does not count.';
comment on column jobs.job.max_attempts is 'After this many failed attempts it is discarded.';
comment on column jobs.job.enqueued_at is 'When the row was written, in the transaction of the data that caused it.';
comment on column jobs.job.scheduled_at is 'Not to be started before this time.';
comment on column jobs.job.started_at is 'Start of the latest attempt; null before the first.';
comment on column jobs.job.finished_at is 'When it was completed, cancelled or discarded. A job that stores its effects with its completion: when it began to do so. Where River''s own indexes are in place, say finished_at is not null beside the state to have this order quickly.';
comment on column jobs.job.wait is 'Wait time: from when it was due (the latest of enqueued, scheduled and rescued) to the start of its latest attempt; for a job that is still available, until now.';
comment on column jobs.job.run is 'Run time of the latest attempt, until finished_at; of a running job, until now. With the storing of its effects: jobs.attempt.run.';
comment on column jobs.job.worker is 'The worker process that has it or had it last: jobs.worker.';
comment on column jobs.job.request_id is 'The web request that caused it, as in the log lines: jobs.request, jobs.waterfall.';
comment on column jobs.job.parent_id is 'The job that enqueued it, if one did.';
comment on column jobs.job.release is 'The release that enqueued it.';
comment on column jobs.job.tags is 'Free labels.';
comment on column jobs.job.args is 'Arguments: ids and small facts. Values of keys that look secret, or that the kind marks, are [redacted]. jobs.search finds by them.';
comment on column jobs.job.last_error is 'The text of the latest error.';
comment on column jobs.job.last_error_code is 'The code of the latest error where the job system wrote it, as in jobs.attempt.code: worker_died, worker_stopped, not_received, unregistered, poison_pill or rescue_refused. Null where the job itself failed.';
comment on column jobs.job.held is 'Why its arguments could not be read, a sentence; null once they could. No attempt is spent meanwhile.';
comment on column jobs.job.deaths is 'How many workers died while they ran it. After two it runs alone (queue alone). If a worker dies then, the job is discarded as a poison pill.';
comment on column jobs.job.progress is 'How far its latest attempt is, in percent, if it says so.';
comment on column jobs.job.progress_note is 'What that attempt says about its progress.';
comment on column jobs.job.waiting is 'Why it does not run, a code. Of its row: unreadable (no release that tried could read its arguments: held), pending (until it is released: jobs.run_now), paused (its queue is), duplicate (it may not become available while another job has its unique key: twin), backing_off (it failed, and its next try is not due), scheduled (for later), due (made available in a moment). Of available jobs: queued (waits its turn), isolated (waits its turn to run alone), no_worker (none is alive), no_worker_for_queue and no_worker_for_kind (none that is alive takes it), all_draining (those that take it drain). Null for a job that runs or is finished, and on a replica that cannot know. Reserved for later: kind_paused, limited, blocked.';
comment on column jobs.job.why_waiting is 'The same as a sentence for people. Programs compare waiting. The place in line is in jobs.explain.';
comment on column jobs.job.home_queue is 'The queue that it came from, if it was moved to run alone.';
comment on column jobs.job.cancelling is 'It was told to stop and still runs.';
comment on column jobs.job.twin is 'The other job that holds its unique key now, if one does: this one can not become available meanwhile.';
comment on column jobs.job.is_unique is 'It was enqueued with unique options.';
comment on column jobs.job.errors is 'Every failed attempt: {"at", "attempt", "error", "trace"}, oldest first. Where the job system ended the attempt there is a "code" too (see last_error_code), and where a worker was lost, "worker".';
comment on column jobs.job.logs is 'What its attempts logged: [{"attempt", "log"}].';
comment on column jobs.job.metadata is 'What the job system and others wrote beside it, redacted like args, without the logs.';

create function jobs.search(args jsonb, kind text default null, state text default null, max int default 100)
returns setof jobs.job language plpgsql stable set search_path = pg_catalog, pg_temp set jit = off as $$
declare
    found_ids bigint[];
begin
    if search.args is null or jsonb_typeof(search.args) <> 'object' or search.args = '{}' then
        raise exception 'Say what to look for as a JSON object, as in jobs.search(''{"order_id": 42}'').' using errcode = '22023';
    end if;
    if search.max is null or search.max not between 1 and 10000 then
        raise exception 'max is how many jobs to return, from 1 to 10000.' using errcode = '22023';
    end if;
    if search.state not in ('available', 'cancelled', 'completed', 'discarded', 'pending', 'retryable', 'running', 'scheduled') then
        raise exception '% is not a state.', quote_literal(left(search.state, 100)) using errcode = '22023';
    end if;
    -- The unfinished are few enough to be read, each part by its partial index; the finished need an index on args. Whatever
    -- matches is compared once more with what is shown of it, so that nobody can ask for a secret.
    select array_agg(f.id) into found_ids
    from (
        (select j.id, j.kind, j.state from river.river_job j where j.state = 'available' and j.args @> search.args limit 10000)
        union all
        (select j.id, j.kind, j.state from river.river_job j where j.state = 'running' and j.args @> search.args limit 10000)
        union all
        (select j.id, j.kind, j.state from river.river_job j
         where j.state in ('pending', 'retryable', 'scheduled') and j.args @> search.args limit 10000)
        union all
        (select j.id, j.kind, j.state from river.river_job j
         where j.finalized_at is not null and j.args @> search.args
           and (search.kind is null or j.kind = search.kind) and (search.state is null or j.state::text = search.state) limit 10000)) f
    where (search.kind is null or f.kind = search.kind) and (search.state is null or f.state::text = search.state);
    return query
        select j.* from jobs.job j
        where j.id = any (found_ids) and j.args @> search.args
        order by j.id desc limit search.max;
end $$;
comment on function jobs.search is 'Jobs whose arguments contain args (as in {"order_id": 42}), newest first, at most max of them; kind and state narrow it. It compares with the redacted arguments: what looks secret cannot be searched. When more than 10,000 match, narrow it, or the newest may be missing.';
