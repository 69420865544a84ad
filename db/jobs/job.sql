-- jobs.job: every job, one row each, and jobs.search, which finds jobs by their arguments.

-- The join finds the keys that the kind marks as secret. It also makes the view read-only: a job changes only by an act.
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
       -- times written by SQL may be infinite, or too far apart to subtract
       case when j.state = 'available' then now() - nullif(least(now(), greatest(j.created_at, j.scheduled_at, r.at)), '-infinity')
            when isfinite(j.attempted_at) then least(j.attempted_at, '9999-12-31') - nullif(least(greatest(nullif(j.created_at, 'infinity'),
                least(j.scheduled_at, j.attempted_at), case when r.at <= j.attempted_at then r.at end), '9999-12-31'), '-infinity')
       end                                                      as wait,
       case when not isfinite(j.attempted_at) then null
            when j.state = 'running' then greatest(now() - least(j.attempted_at, '9999-12-31'), interval '0') -- a job may start after now()
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
           when 'duplicate' then 'another job holds its unique key: this one will be discarded when due, unless that one has finished'
           when 'backing_off' then 'failed; waiting for its next attempt'
           when 'scheduled' then 'scheduled for later'
           when 'due' then 'due: a worker or web process will make it available in a moment'
           when 'queued' then case when k.brief then 'taken at this moment, or waiting its turn' else 'waiting its turn' end
           when 'isolated' then 'waiting its turn to run isolated'
           when 'no_worker' then 'no worker is alive'
           when 'no_worker_for_queue' then 'no live worker takes this queue'
           when 'no_worker_for_kind' then 'no live worker takes this kind'
           when 'all_draining' then 'all workers that take it are draining'
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
            then jobs.redact(j.metadata - 'river:log', coalesce(k.secrets, '{}')) end as metadata,
       pg_column_size(j.args)                                   as args_size
from river.river_job j
left join work.kind k on k.kind = j.kind
cross join lateral (select case when jsonb_typeof(j.metadata -> 'rescued_at') = 'number'
    then to_timestamp(greatest(least((j.metadata ->> 'rescued_at')::numeric, 1e10), 0)::float8) end as at,
    trunc(extract(epoch from j.attempted_at) * 1000000)::text as began) r
-- Postgres evaluates this for each of the two columns that a query selects. A subquery that did it once for both would prevent
-- index-only scans where a query selects neither.
cross join lateral (
    select case
           when j.state not in ('available', 'pending', 'retryable', 'scheduled') then null
           when j.metadata ->> 'held' is not null and j.scheduled_at > now() then 'unreadable'
           when j.state = 'pending' then 'pending'
           when exists (select from river.river_queue q where q.name in (j.queue, case when j.queue in ('alone', 'singly') then j.metadata ->> 'queue' end) and q.paused_at is not null)
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
                     and jobs.takes(w.queues, w.kinds, j.queue, j.kind))
               then case when j.queue = 'alone' then 'isolated' else 'queued' end
           when exists (
                   select from jobs.leader() l
                   where l.expires_at > now() and l.role = 'unregistered')
               then 'queued' -- a plain River program leads, and does not record which queues it works
           when exists (select from jobs.leader() l where l.leader_id is null) and not exists (select from work.worker)
               then null -- on a replica: a plain River program may lead
           when not exists (select from jobs.live)
               then 'no_worker'
           when exists (
                   select from jobs.live w
                   where jobs.takes(w.queues, w.kinds, j.queue, j.kind))
               then 'all_draining'
           when exists (
                   select from jobs.live w
                   where jobs.takes(w.queues, '{}', j.queue, null))
               then 'no_worker_for_kind'
           else 'no_worker_for_queue'
       end as waiting) why;

comment on view jobs.job is 'Every job, one row each. Completed and cancelled jobs are deleted after a day, discarded ones after seven. Fast by id, by state with finished_at or scheduled_at, and by queue among available jobs. In args and metadata, values are [redacted] if their key looks secret or the kind marks it. To count finished jobs, use jobs.minute.';
comment on column jobs.job.id is 'The job''s number; a later job has a higher one.';
comment on column jobs.job.kind is 'The kind of work, as in send_invoice.';
comment on column jobs.job.queue is 'The queue that the job is in.';
comment on column jobs.job.state is 'available (ready to run), scheduled (for later), retryable (failed, will be retried), running, pending (until it is released), completed, cancelled or discarded (failed for good). A brief job (see jobs.kind.brief) is never shown as running, unless it runs in queue singly: it stays available until the transaction that it shares with others commits.';
comment on column jobs.job.priority is '1 runs first, 4 last.';
comment on column jobs.job.attempt is 'How many attempts have started. An attempt that a stopping worker handed back does not count.';
comment on column jobs.job.max_attempts is 'After this many failed attempts the job is discarded.';
comment on column jobs.job.enqueued_at is 'When the job was enqueued, in the transaction of the data that caused it.';
comment on column jobs.job.scheduled_at is 'The job does not start before this time.';
comment on column jobs.job.started_at is 'When the latest attempt started; null before the first.';
comment on column jobs.job.finished_at is 'When the job was completed, cancelled or discarded. If a job stores its effects and its completion together: when it began to store them. On a database with River''s own indexes, add finished_at is not null to a condition on state to sort by this column quickly.';
comment on column jobs.job.wait is 'How long the job waited: from when it was due (the latest of enqueued, scheduled and rescued) to the start of its latest attempt. For an available job, until now.';
comment on column jobs.job.run is 'How long the latest attempt ran, until finished_at; for a running job, until now. jobs.attempt.run includes storing the effects.';
comment on column jobs.job.worker is 'The worker process that runs the job or ran it last: see jobs.worker.';
comment on column jobs.job.request_id is 'The web request that caused the job, as in the logs: see jobs.request and jobs.waterfall.';
comment on column jobs.job.parent_id is 'The job that enqueued it, if one did.';
comment on column jobs.job.release is 'The release that enqueued it.';
comment on column jobs.job.tags is 'Labels, chosen by the code that enqueued the job.';
comment on column jobs.job.args is 'Arguments: ids and small facts. Values are [redacted] if their key looks secret or the kind marks it. jobs.search finds jobs by their arguments.';
comment on column jobs.job.last_error is 'The text of the latest error.';
comment on column jobs.job.last_error_code is 'The code of the latest error if the job system ended that attempt (see jobs.attempt.code): worker_died, worker_stopped, not_received, unregistered, poison_pill or rescue_refused. Null if the job itself failed.';
comment on column jobs.job.held is 'Why the arguments could not be read, as a sentence; null if they could. Such a job spends no attempts.';
comment on column jobs.job.deaths is 'How many workers died while they ran the job. After two deaths it runs isolated (in queue alone). If that worker dies too, the job is discarded as a poison pill.';
comment on column jobs.job.progress is 'How far the latest attempt has come, in percent, if it reports that.';
comment on column jobs.job.progress_note is 'The latest attempt''s own sentence about its progress.';
comment on column jobs.job.waiting is 'A code for why the job does not run: unreadable (no release that tried could read its arguments: see held), pending (until jobs.run_now releases it), paused (its queue is), duplicate (another job holds its unique key: see twin), backing_off (it failed, and its next attempt is not due), scheduled (for later), due (it will be made available in a moment), queued (available, waiting its turn), isolated (the same, to run isolated), no_worker (none is alive), no_worker_for_queue and no_worker_for_kind (no live worker takes it), all_draining (the workers that take it are draining). Null if the job runs or is finished, and on a replica that cannot know. Reserved for later: kind_paused, limited, blocked.';
comment on column jobs.job.why_waiting is 'The same as a sentence for people; programs compare waiting. jobs.explain adds the job''s place in line.';
comment on column jobs.job.home_queue is 'The queue that the job came from, if it was moved to run isolated (to queue alone), or because it is a brief job that did not fit into a batch (to queue singly).';
comment on column jobs.job.cancelling is 'The job was told to stop and still runs.';
comment on column jobs.job.twin is 'The other job that holds this job''s unique key now, if there is one. If it has not finished when this job is due, this job is discarded.';
comment on column jobs.job.is_unique is 'The job was enqueued with unique options.';
comment on column jobs.job.errors is 'Every failed attempt, oldest first: {"at", "attempt", "error", "trace"}. If the job system ended the attempt there is also a "code" (see last_error_code), and if a worker was lost, a "worker".';
comment on column jobs.job.logs is 'What the job''s attempts logged: [{"attempt", "log"}].';
comment on column jobs.job.metadata is 'What the job system and others have stored with the job, redacted like args, without the logs.';
comment on column jobs.job.args_size is 'The size of the arguments in bytes, as Postgres stores them: long ones are compressed. Does not read them.';

-- The columns of jobs.job for searches, with the same expressions, without those whose subqueries take long to plan, even where a
-- query selects none of them.
create view jobs.job_brief as
select j.id, j.kind, j.queue, j.state,
       j.created_at                                             as enqueued_at,
       j.attempted_at                                           as started_at,
       j.finalized_at                                           as finished_at,
       jobs.runner(j.attempted_by)                              as worker,
       j.metadata ->> 'request_id'                              as request_id,
       case when j.metadata ->> 'parent_id' ~ '^\d{1,18}$' then (j.metadata ->> 'parent_id')::bigint end as parent_id,
       j.metadata ->> 'release'                                 as release,
       j.tags::text[]                                           as tags,
       jobs.redact(j.args, coalesce(k.secrets, '{}'))           as args,
       j.errors[array_upper(j.errors, 1)] ->> 'error'           as last_error,
       case when j.metadata ->> 'deaths' ~ '^\d{1,9}$' then (j.metadata ->> 'deaths')::int else 0 end as deaths,
       j.state = 'running' and j.metadata ? 'cancel_attempted_at' as cancelling,
       j.unique_key is not null                                 as is_unique
from river.river_job j
left join work.kind k on k.kind = j.kind;

comment on view jobs.job_brief is 'Every job, with the columns of jobs.job that searches compare: Postgres plans a query of it ten times as fast. Each means the same as there.';
comment on column jobs.job_brief.id is 'As in jobs.job.';
comment on column jobs.job_brief.kind is 'As in jobs.job.';
comment on column jobs.job_brief.queue is 'As in jobs.job.';
comment on column jobs.job_brief.state is 'As in jobs.job.';
comment on column jobs.job_brief.enqueued_at is 'As in jobs.job.';
comment on column jobs.job_brief.started_at is 'As in jobs.job.';
comment on column jobs.job_brief.finished_at is 'As in jobs.job.';
comment on column jobs.job_brief.worker is 'As in jobs.job.';
comment on column jobs.job_brief.request_id is 'As in jobs.job.';
comment on column jobs.job_brief.parent_id is 'As in jobs.job.';
comment on column jobs.job_brief.release is 'As in jobs.job.';
comment on column jobs.job_brief.tags is 'As in jobs.job.';
comment on column jobs.job_brief.args is 'As in jobs.job.';
comment on column jobs.job_brief.last_error is 'As in jobs.job.';
comment on column jobs.job_brief.deaths is 'As in jobs.job.';
comment on column jobs.job_brief.cancelling is 'As in jobs.job.';
comment on column jobs.job_brief.is_unique is 'As in jobs.job.';

create function jobs.search(args jsonb, kind text default null, state text default null, max int default 100)
returns setof jobs.job language plpgsql stable set search_path = pg_catalog, pg_temp set jit = off as $$
declare
    found_ids bigint[];
begin
    if search.args is null or jsonb_typeof(search.args) <> 'object' or search.args = '{}' then
        raise exception 'Say which arguments to look for as a JSON object, as in jobs.search(''{"order_id": 42}'').' using errcode = '22023';
    end if;
    if search.max is null or search.max not between 1 and 10000 then
        raise exception 'max must be from 1 to 10000.' using errcode = '22023';
    end if;
    if search.state not in ('available', 'cancelled', 'completed', 'discarded', 'pending', 'retryable', 'running', 'scheduled') then
        raise exception '% is not a state.', quote_literal(left(search.state, 100)) using errcode = '22023';
    end if;
    -- Unfinished jobs are few enough to scan, each part by its partial index; finished ones need the index on args. The matches
    -- are compared again with the redacted args, so that a search cannot reveal a secret.
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
comment on function jobs.search is 'Jobs whose arguments contain args (as in {"order_id": 42}), newest first, at most max of them; kind and state narrow the search. It compares redacted arguments: secret values cannot be searched for. If more than 10,000 jobs match, narrow the search, or the newest may be missing.';

create function jobs.with_args(any_of jsonb[], state text, above bigint, up_to bigint, newest boolean, max int)
returns setof bigint language plpgsql stable
set search_path = pg_catalog, pg_temp set jit = off as $$
declare
    wanted river.river_job_state := with_args.state;
    object jsonb;
begin
    -- Matches are compared again with the redacted args, as in jobs.search, by the same object: one that contains [redacted] would
    -- otherwise reveal what another one matched. A statement for each partial index, because with the state
    -- as a parameter it would have to be planned at each call; + 0 keeps it from walking through all jobs by their ids.
    if state = 'available' then
        return query
            select j.id from (
                select r.id, r.kind, r.args from river.river_job r
                where r.state = 'available' and r.id + 0 > above and r.id + 0 <= up_to
                order by r.id + 0 desc limit greatest(max, 0)) j left join work.kind k on k.kind = j.kind
            where j.args @> any (any_of) and exists (select from unnest(any_of) o where j.args @> o and jobs.redact(j.args, coalesce(k.secrets, '{}')) @> o);
    elsif state = 'running' then
        return query
            select j.id from (
                select r.id, r.kind, r.args from river.river_job r
                where r.state = 'running' and r.id > above and r.id <= up_to
                order by r.id desc limit greatest(max, 0)) j left join work.kind k on k.kind = j.kind
            where j.args @> any (any_of) and exists (select from unnest(any_of) o where j.args @> o and jobs.redact(j.args, coalesce(k.secrets, '{}')) @> o);
    elsif state is not null then
        return query
            select j.id from (
                select r.id, r.kind, r.args from river.river_job r
                where r.state in ('pending', 'retryable', 'scheduled') and r.state = wanted and r.id + 0 > above and r.id + 0 <= up_to
                order by r.id + 0 desc limit greatest(max, 0)) j left join work.kind k on k.kind = j.kind
            where j.args @> any (any_of) and exists (select from unnest(any_of) o where j.args @> o and jobs.redact(j.args, coalesce(k.secrets, '{}')) @> o);
    else
        foreach object in array any_of loop -- an index on jsonb answers no condition with any
            return query
                with found as materialized (
                    select r.id, r.kind, r.args from river.river_job r
                    where r.finalized_at is not null and r.args @> object and r.id + 0 > above and r.id + 0 <= up_to)
                select j.id from found j left join work.kind k on k.kind = j.kind
                where jobs.redact(j.args, coalesce(k.secrets, '{}')) @> object
                order by case when newest then -j.id else j.id end limit greatest(max, 0);
        end loop;
    end if;
end $$;
comment on function jobs.with_args is 'The ids of jobs whose arguments contain one of these JSON objects (any_of), with ids above one number and up to another (up_to). Without a state: finished jobs, by the index on arguments, at most max for each object, those with the highest ids (newest) or the lowest. With a state: those among the max jobs of that state with the highest ids. It is for programs that read in steps; jobs.search is for people. Like that, it cannot find secret values.';
