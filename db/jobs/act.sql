-- Acts on jobs: retry, cancel, discard, delete and run_now. Each takes one id, and raises an error where nothing can be done;
-- or the ids of a query, and then it does what can be done and says of each id what became of it. A job's row is locked
-- before it is judged, so that nothing changes in between.

create function jobs.brief(job river.river_job) returns jsonb
language sql stable parallel safe set search_path = pg_catalog, pg_temp
return jsonb_build_object('kind', job.kind, 'queue', job.queue, 'state', job.state, 'attempt', job.attempt,
    'max_attempts', job.max_attempts, 'scheduled_at', job.scheduled_at, 'finished_at', job.finalized_at);
comment on function jobs.brief is 'What jobs.audit keeps of a job before and after an act.';

create function jobs.may(job_ids bigint[], act text)
returns table (id bigint, state text, note text)
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
    target river.river_job_state;
begin
    if act is null or act not in ('retry', 'cancel', 'discard', 'delete', 'run_now') then
        raise exception 'The acts on jobs are retry, cancel, discard, delete and run_now, not %.', quote_nullable(act) using errcode = '22023';
    end if;
    target := case act when 'cancel' then 'cancelled' when 'discard' then 'discarded' when 'delete' then null else 'available' end;
    return query
    with judged as (
        select w.id, j.state, j.unique_key, twin.id is null and j.unique_key is not null
                   and river.river_job_state_in_bitmask(j.unique_states, target) as takes_key,
               case
                   when j.id is null then format('There is no job %s.', coalesce(w.id::text, 'without a number'))
                   when j.state = 'running' and act in ('retry', 'run_now') then
                       format('Job %s is running already.', j.id)
                   when j.state = 'running' and act in ('discard', 'delete') then
                       format('Job %s is running: cancel it first, and wait until it has stopped.', j.id)
                   when j.state in ('cancelled', 'completed', 'discarded') and act in ('cancel', 'discard') then
                       format('Job %s is already %s.', j.id, j.state)
                   when j.state in ('cancelled', 'completed', 'discarded') and act = 'run_now' then
                       format('Job %s is %s: jobs.retry runs it once more.', j.id, j.state)
                   when j.state = 'available' and j.scheduled_at < now() and act in ('retry', 'run_now') then
                       format('Job %s is available already: jobs.explain(%1$s) says what it waits for.', j.id)
                   when act = 'retry' and j.attempt = j.max_attempts and j.max_attempts = 32767 then
                       format('Job %s has had the most attempts that there can be: enqueue it anew.', j.id)
                   when twin.id is not null and not (act = 'cancel' and j.state = 'running') then
                       format('Job %s has a unique twin, job %s, which is %s: %s.', j.id, twin.id, twin.state,
                           case when act in ('retry', 'run_now') then 'the two may not wait or run together'
                                else 'it keeps this one from being ' || target end)
               end as note
        from (select distinct i as id from unnest(job_ids) as i) w
        left join river.river_job j on j.id = w.id
        left join lateral (
            select t.id, t.state from river.river_job t
            where t.unique_key = j.unique_key and t.unique_states is not null and t.id <> j.id
              and river.river_job_state_in_bitmask(t.unique_states, t.state)
              and river.river_job_state_in_bitmask(j.unique_states, target)
            limit 1) twin on true
    )
    select d.id, d.state::text, coalesce(d.note, case
               when d.takes_key and row_number() over (partition by d.unique_key, d.takes_key, d.note is null order by d.id) > 1 then
                   format('Job %s has a unique twin among these jobs, which comes first.', d.id) end)
    from judged d order by d.id;
end $$;
comment on function jobs.may is 'What an act (retry, cancel, discard, delete, run_now) would do to the jobs job_ids, without doing it: those with a note would be left as they are, and it says why.';

create function jobs.insist(changed boolean, note text) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if not changed then
        raise exception '%', note using errcode = case when note like 'There is no job%' then 'P0002' else '55000' end;
    end if;
    return true;
end $$;
comment on function jobs.insist is 'Raises the note as an error unless something was changed: for acts on one job.';

create function jobs.retry(job_ids bigint[], reason text default null)
returns table (id bigint, state text, changed boolean, note text)
language plpgsql set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
    perform from river.river_job j where j.id = any (job_ids) order by j.id for update;
    return query
    with judged as materialized (
        select * from jobs.may(job_ids, 'retry')
    ), done as (
        update river.river_job j set
            state        = 'available',
            finalized_at = null,
            scheduled_at = now(),
            max_attempts = j.max_attempts + case when j.attempt = j.max_attempts then 1 else 0 end,
            metadata     = j.metadata - 'cancel_attempted_at'
        from judged m join river.river_job o on o.id = m.id
        where j.id = m.id and m.note is null
        returning j.id, j.queue, j.state::text as state, jobs.brief(o) as before, jobs.brief(j) as after
    ), noted as (
        insert into work.audit (act, job_id, queue, reason, before, after)
        select 'retry', d.id, d.queue, retry.reason, d.before, d.after from done d
    ), told as ( -- River sends none here: the job would wait for a worker's poll
        select pg_notify('river.river_insert', format('{"queue": %s}', to_json(q.queue)))
        from (select distinct d.queue from done d) q
    )
    select m.id, coalesce(d.state, m.state), d.id is not null, m.note
    from judged m left join done d on d.id = m.id
    where (select count(*) from told) >= 0
    order by m.id;
exception when unique_violation then
    raise exception 'A unique twin of one of these jobs came at this very moment: nothing was changed. Try again.' using errcode = '55000';
end $$;
comment on function jobs.retry(bigint[], text) is 'Makes a job run again, now, whatever became of it; one that has used up its attempts is allowed one more. As River''s JobRetry, and a worker is told at once. Acts on all of job_ids that it may, and says of each id whether it changed and if not why. The reason goes to jobs.audit. As in: select * from jobs.retry(array(select id from jobs.job where kind = ''send_invoice'' and state = ''discarded''), ''why'').';

create function jobs.retry(job_id bigint, reason text default null)
returns table (id bigint, state text, changed boolean, note text)
language sql set search_path = pg_catalog, pg_temp as $$
    select r.id, r.state, r.changed, r.note from jobs.retry(array[job_id], reason) r where jobs.insist(r.changed, r.note)
$$;
comment on function jobs.retry(bigint, text) is 'Makes a job run again, now, whatever became of it; one that has used up its attempts is allowed one more. As River''s JobRetry, and a worker is told at once. Acts on the job job_id, or raises an error that says why it cannot. The reason goes to jobs.audit.';

create function jobs.cancel(job_ids bigint[], reason text default null)
returns table (id bigint, state text, changed boolean, note text)
language plpgsql set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
    perform from river.river_job j where j.id = any (job_ids) order by j.id for update;
    return query
    with judged as materialized (
        select * from jobs.may(job_ids, 'cancel')
    ), done as (
        update river.river_job j set
            state        = case when j.state = 'running' then j.state else 'cancelled' end,
            finalized_at = case when j.state = 'running' then j.finalized_at else now() end,
            metadata     = jsonb_set(j.metadata, '{cancel_attempted_at}',
                               to_jsonb(to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))) -- RFC 3339, as Go reads it
        from judged m join river.river_job o on o.id = m.id
        where j.id = m.id and m.note is null
        returning j.id, j.queue, j.state::text as state, jobs.brief(o) as before, jobs.brief(j) as after
    ), noted as (
        insert into work.audit (act, job_id, queue, reason, before, after)
        select 'cancel', d.id, d.queue, cancel.reason, d.before, d.after from done d
    ), told as ( -- the worker that runs it ends its context
        select pg_notify('river.river_control', json_build_object('action', 'cancel', 'job_id', d.id, 'queue', d.queue)::text)
        from done d
    )
    select m.id, coalesce(d.state, m.state), d.id is not null, m.note
    from judged m left join done d on d.id = m.id
    where (select count(*) from told) >= 0
    order by m.id;
exception when unique_violation then
    raise exception 'A unique twin of one of these jobs came at this very moment: nothing was changed. Try again.' using errcode = '55000';
end $$;
comment on function jobs.cancel(bigint[], text) is 'Cancels a job that is not finished. One that runs is told to stop, and is cancelled once it has. As River''s JobCancel. Acts on all of job_ids that it may, and says of each id whether it changed and if not why. The reason goes to jobs.audit. As in: select * from jobs.cancel(array(select id from jobs.job where kind = ''send_invoice'' and state = ''available''), ''why'').';

create function jobs.cancel(job_id bigint, reason text default null)
returns table (id bigint, state text, changed boolean, note text)
language sql set search_path = pg_catalog, pg_temp as $$
    select r.id, r.state, r.changed, r.note from jobs.cancel(array[job_id], reason) r where jobs.insist(r.changed, r.note)
$$;
comment on function jobs.cancel(bigint, text) is 'Cancels a job that is not finished. One that runs is told to stop, and is cancelled once it has. As River''s JobCancel. Acts on the job job_id, or raises an error that says why it cannot. The reason goes to jobs.audit.';

create function jobs.discard(job_ids bigint[], reason text default null)
returns table (id bigint, state text, changed boolean, note text)
language plpgsql set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
    perform from river.river_job j where j.id = any (job_ids) order by j.id for update;
    return query
    with judged as materialized (
        select * from jobs.may(job_ids, 'discard')
    ), done as (
        update river.river_job j set
            state        = 'discarded',
            finalized_at = now()
        from judged m join river.river_job o on o.id = m.id
        where j.id = m.id and m.note is null
        returning j.id, j.queue, j.state::text as state, jobs.brief(o) as before, jobs.brief(j) as after
    ), noted as (
        insert into work.audit (act, job_id, queue, reason, before, after)
        select 'discard', d.id, d.queue, discard.reason, d.before, d.after from done d
    )
    select m.id, coalesce(d.state, m.state), d.id is not null, m.note
    from judged m left join done d on d.id = m.id
    order by m.id;
exception when unique_violation then
    raise exception 'A unique twin of one of these jobs came at this very moment: nothing was changed. Try again.' using errcode = '55000';
end $$;
comment on function jobs.discard(bigint[], text) is 'Gives a job up for good that neither runs nor is finished. Acts on all of job_ids that it may, and says of each id whether it changed and if not why. The reason goes to jobs.audit. As in: select * from jobs.discard(array(select id from jobs.job where kind = ''send_invoice'' and state = ''retryable''), ''why'').';

create function jobs.discard(job_id bigint, reason text default null)
returns table (id bigint, state text, changed boolean, note text)
language sql set search_path = pg_catalog, pg_temp as $$
    select r.id, r.state, r.changed, r.note from jobs.discard(array[job_id], reason) r where jobs.insist(r.changed, r.note)
$$;
comment on function jobs.discard(bigint, text) is 'Gives a job up for good that neither runs nor is finished. Acts on the job job_id, or raises an error that says why it cannot. The reason goes to jobs.audit.';

create function jobs.delete(job_ids bigint[], reason text default null)
returns table (id bigint, state text, changed boolean, note text)
language plpgsql set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
    perform from river.river_job j where j.id = any (job_ids) order by j.id for update;
    return query
    with judged as materialized (
        select * from jobs.may(job_ids, 'delete')
    ), done as (
        delete from river.river_job j
        using judged m
        where j.id = m.id and m.note is null
        returning j.id, j.queue, jobs.brief(j) as before, null::jsonb as after
    ), noted as (
        insert into work.audit (act, job_id, queue, reason, before, after)
        select 'delete', d.id, d.queue, delete.reason, d.before, d.after from done d
    )
    select m.id, case when d.id is null then m.state end, d.id is not null, m.note
    from judged m left join done d on d.id = m.id
    order by m.id;
end $$;
comment on function jobs.delete(bigint[], text) is 'Deletes a job that does not run. As River''s JobDelete. Acts on all of job_ids that it may, and says of each id whether it changed and if not why. The reason goes to jobs.audit. As in: select * from jobs.delete(array(select id from jobs.job where kind = ''send_invoice'' and state = ''discarded''), ''why'').';

create function jobs.delete(job_id bigint, reason text default null)
returns table (id bigint, state text, changed boolean, note text)
language sql set search_path = pg_catalog, pg_temp as $$
    select r.id, r.state, r.changed, r.note from jobs.delete(array[job_id], reason) r where jobs.insist(r.changed, r.note)
$$;
comment on function jobs.delete(bigint, text) is 'Deletes a job that does not run. As River''s JobDelete. Acts on the job job_id, or raises an error that says why it cannot. The reason goes to jobs.audit.';

create function jobs.run_now(job_ids bigint[], reason text default null)
returns table (id bigint, state text, changed boolean, note text)
language plpgsql set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
    perform from river.river_job j where j.id = any (job_ids) order by j.id for update;
    return query
    with judged as materialized (
        select * from jobs.may(job_ids, 'run_now')
    ), done as (
        update river.river_job j set
            state        = 'available',
            scheduled_at = now()
        from judged m join river.river_job o on o.id = m.id
        where j.id = m.id and m.note is null
        returning j.id, j.queue, j.state::text as state, jobs.brief(o) as before, jobs.brief(j) as after
    ), noted as (
        insert into work.audit (act, job_id, queue, reason, before, after)
        select 'run_now', d.id, d.queue, run_now.reason, d.before, d.after from done d
    ), told as ( -- River sends none here: the job would wait for a worker's poll
        select pg_notify('river.river_insert', format('{"queue": %s}', to_json(q.queue)))
        from (select distinct d.queue from done d) q
    )
    select m.id, coalesce(d.state, m.state), d.id is not null, m.note
    from judged m left join done d on d.id = m.id
    where (select count(*) from told) >= 0
    order by m.id;
exception when unique_violation then
    raise exception 'A unique twin of one of these jobs came at this very moment: nothing was changed. Try again.' using errcode = '55000';
end $$;
comment on function jobs.run_now(bigint[], text) is 'Makes a job run now that is scheduled for later, waits for its next try or is pending. Its attempts stay as they are. Acts on all of job_ids that it may, and says of each id whether it changed and if not why. The reason goes to jobs.audit. As in: select * from jobs.run_now(array(select id from jobs.job where kind = ''send_invoice'' and state = ''scheduled''), ''why'').';

create function jobs.run_now(job_id bigint, reason text default null)
returns table (id bigint, state text, changed boolean, note text)
language sql set search_path = pg_catalog, pg_temp as $$
    select r.id, r.state, r.changed, r.note from jobs.run_now(array[job_id], reason) r where jobs.insist(r.changed, r.note)
$$;
comment on function jobs.run_now(bigint, text) is 'Makes a job run now that is scheduled for later, waits for its next try or is pending. Its attempts stay as they are. Acts on the job job_id, or raises an error that says why it cannot. The reason goes to jobs.audit.';
