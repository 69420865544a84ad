-- The engine of all acts on jobs. jobs.judge computes how an act would change each job, or why it may not; jobs.act changes
-- them. The verbs are in verb.sql, undo.sql and copy.sql.

create function jobs.brief(kind text, queue text, image work.image) returns jsonb
language sql stable parallel safe
return jsonb_build_object('kind', kind, 'queue', queue, 'state', image.state, 'attempt', image.attempt,
    'max_attempts', image.max_attempts, 'scheduled_at', image.scheduled_at, 'finished_at', image.finalized_at);
comment on function jobs.brief is 'The summary of one job that jobs.audit keeps, before and after an act: its kind and queue, and the fields of image that people read.';

create function jobs.becomes(act text, job work.image, until timestamptz) returns work.image
language plpgsql stable parallel safe as $$ -- setting search_path would cost more than the rest
begin
    case act
        when 'retry' then
            job.state        := 'available';
            job.finalized_at := null;
            job.scheduled_at := pg_catalog.now();
            job.max_attempts := least(job.max_attempts + case when job.attempt = job.max_attempts then 1 else 0 end, 32767); -- jobs.judge refuses more
            job.cancel_attempted_at := null;
        when 'cancel' then
            if job.state <> 'running' then -- a running job is told to stop, and is cancelled once it has stopped
                job.state        := 'cancelled';
                job.finalized_at := pg_catalog.now();
            end if;
            job.cancel_attempted_at := pg_catalog.to_jsonb(pg_catalog.to_char(pg_catalog.now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')); -- RFC 3339, as Go reads it
        when 'discard' then
            job.state        := 'discarded';
            job.finalized_at := pg_catalog.now();
        when 'run_now' then
            job.state        := 'available';
            job.scheduled_at := pg_catalog.now();
        when 'snooze' then -- River keeps a job available that is due within its scheduler's interval
            job.state        := case when until <= pg_catalog.now() + interval '5 s' then 'available' else 'scheduled' end;
            job.scheduled_at := until;
            job.snoozes      := pg_catalog.to_jsonb(case when pg_catalog.jsonb_typeof(job.snoozes) = 'number' then pg_catalog.trunc(job.snoozes::numeric) else 0 end + 1);
        when 'delete' then
            job := null;
    end case;
    return job;
end $$;
comment on function jobs.becomes is 'The image of a job after an act that is allowed on it; until is the time of a snooze. Null if the act deletes the job. The only definition of what each act changes.';

create function jobs.refusal(code text, act text, id bigint, state text, other_id bigint, other_state text) returns text
language sql immutable parallel safe
return case code
    when 'not_found' then coalesce('There is no job ' || id || '.', 'The job id is null.')
    when 'locked' then format('Job %s is locked by another transaction: try again.', id)
    when 'running' then format('Job %s is running', id) || case
        when act in ('retry', 'run_now') then ' already.'
        when act = 'snooze' then ': only waiting jobs can be snoozed.'
        when act = 'undo' then ' and was told to stop: that cannot be undone.'
        else ': cancel it first, and wait until it has stopped.' end
    when 'finished' then format('Job %s is ', id) || case
        when act in ('run_now', 'snooze') then format('%s: jobs.retry runs it again.', state)
        else format('already %s.', state) end
    when 'available' then format('Job %s is available already: jobs.explain(%1$s) says why it does not run.', id)
    when 'pending' then format('Job %s is pending and has no time to run: jobs.run_now(%1$s) releases it.', id)
    when 'exhausted' then format('Job %s has used all 32767 attempts that a job can have: jobs.copy(%1$s) enqueues it again.', id)
    when 'changed' then format('Job %s is %s and has changed since the act.', id, state)
    when 'duplicate' then format('Job %s is a duplicate of job %s, which ', id, other_id) || case
        when other_state is null then 'is among these jobs and comes first.'
        else format('is %s: %s.', other_state, case
            when act in ('retry', 'run_now') then 'only one of them may wait or run'
            else 'it holds their unique key' end) end
end;
comment on function jobs.refusal is 'The sentence for the code with which jobs.judge refuses an act on the job id, which is in this state. other_id and other_state are the job that holds its unique key.';

create function jobs.judge(act text, job_ids bigint[], until timestamptz default null, entry bigint default null, locked bigint[] default '{}')
returns table (id bigint, kind text, queue text, state text, code text, note text, before work.image, becomes work.image)
language plpgsql stable set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan as $$ -- planning takes longer than judging a few jobs, and always finds the same plan
#variable_conflict use_column
begin
    return query
    with job as materialized (
        select w.id, j.id is not null as found, j.kind, j.queue, j.unique_key, j.unique_states, i.image, u.after,
               case when act <> 'undo' then jobs.becomes(act, i.image, judge.until) else u.before end as becomes
        from (select distinct i as id from unnest(job_ids) as i) w
        left join river.river_job j on j.id = w.id
        left join work.undo u on act = 'undo' and u.audit_id = entry and u.job_id = j.id
        cross join lateral (select row(j.state, j.attempt, j.attempted_at, j.max_attempts, j.scheduled_at, j.finalized_at,
            j.metadata -> 'cancel_attempted_at', j.metadata -> 'snoozes')::work.image as image offset 0) i
    ), judged as (
        select job.*, other.id as other_id, other.state::text as other_state,
               other.id is null and job.unique_key is not null
                   and river.river_job_state_in_bitmask(job.unique_states, (job.becomes).state::river.river_job_state) as takes_key,
               case
                   when not job.found then 'not_found'
                   when job.id = any (locked) then 'locked'
                   when act = 'undo' and job.image is distinct from job.after then 'changed'
                   when (job.image).state = 'running' and act <> 'cancel' then 'running'
                   when (job.image).state in ('cancelled', 'completed', 'discarded') and act in ('cancel', 'discard', 'run_now', 'snooze') then 'finished'
                   when (job.image).state = 'available' and (job.image).scheduled_at < now() and act in ('retry', 'run_now') then 'available'
                   when (job.image).state = 'pending' and act = 'snooze' then 'pending'
                   when act = 'retry' and (job.image).attempt = (job.image).max_attempts and (job.image).max_attempts = 32767 then 'exhausted'
                   when other.id is not null then 'duplicate'
               end as code
        from job
        left join lateral (
            select t.id, t.state from river.river_job t
            where t.unique_key = job.unique_key and t.unique_states is not null and t.id <> job.id
              and river.river_job_state_in_bitmask(t.unique_states, t.state)
              and river.river_job_state_in_bitmask(job.unique_states, (job.becomes).state::river.river_job_state)
            limit 1) other on true
    ), first as ( -- of several jobs that would take the same key, only the first may
        select d.*, case when d.takes_key and d.code is null then min(d.id) over (partition by d.unique_key, d.takes_key and d.code is null) end as first_id
        from judged d
    ), told as (
        select f.*, case when f.id <> f.first_id then 'duplicate' else f.code end as told, coalesce(f.other_id, f.first_id) as other
        from first f
    )
    select t.id, t.kind, t.queue, (t.image).state, t.told,
           case when t.told is not null then jobs.refusal(t.told, act, t.id, (t.image).state, t.other, t.other_state) end, t.image, t.becomes
    from told t order by t.id;
end $$;
comment on function jobs.judge is 'How an act would change each of job_ids (becomes), or the code and sentence that refuse it. until is the time of a snooze, entry is the entry of jobs.audit to undo, locked are the jobs that other transactions have locked.';

create function jobs.may(job_ids bigint[], act text)
returns table (id bigint, state text, note text, code text)
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
    if act is null or act not in ('retry', 'cancel', 'discard', 'delete', 'run_now', 'snooze') then
        raise exception 'The acts on jobs are retry, cancel, discard, delete, run_now and snooze, not %.', quote_nullable(act) using errcode = '22023';
    end if;
    return query select j.id, j.state, j.note, j.code from jobs.judge(act, job_ids) j;
end $$;
comment on function jobs.may is 'Which of the jobs job_ids an act (retry, cancel, discard, delete, run_now, snooze) may change, without changing any. A job with a code would be left unchanged; the note says why.
Codes: not_found; locked (by another transaction for more than 2 s: reported by acts only); running; finished (completed, cancelled or discarded); available (already); pending (has no time to snooze from); exhausted (it has had the most attempts that a job can have); duplicate (another job holds its unique key). jobs.undo also has: changed (the job has changed since the act), expired and irreversible (see there).';

create function jobs.insist(changed boolean, code text, note text) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if not changed then
        raise exception '%', note using errcode = case code when 'not_found' then 'P0002' when 'locked' then '55P03' else '55000' end;
    end if;
    return true;
end $$;
comment on function jobs.insist is 'Raises the note as an error unless something changed, for acts on one job. SQLSTATE P0002 stands for the code not_found, 55P03 for locked and 55000 for all others.';

create function jobs.act(act text, job_ids bigint[], reason text default null, until timestamptz default null, entry bigint default null)
returns table (id bigint, state text, changed boolean, note text, code text)
language plpgsql set search_path = pg_catalog, pg_temp set lock_timeout = '2s' as $$
#variable_conflict use_column
declare
    mine bigint[];
    locked bigint[] := '{}';
    pass boolean := false; -- leave out the jobs that other transactions keep locked
begin
    for try in 1..3 loop
        begin
            if not pass then
                perform from river.river_job j where j.id = any (job_ids) order by j.id for update;
            else
                mine := array(select j.id from river.river_job j where j.id = any (job_ids) order by j.id for update skip locked);
                locked := array(select i from unnest(job_ids) as i except select i from unnest(mine) as i);
            end if;
            return query
            with judged as materialized (
                select * from jobs.judge(act, job_ids, until, entry, locked)
            ), kept as (
                update river.river_job j set
                    state        = (m.becomes).state::river.river_job_state,
                    finalized_at = (m.becomes).finalized_at,
                    scheduled_at = (m.becomes).scheduled_at,
                    max_attempts = (m.becomes).max_attempts,
                    metadata     = case when row((m.becomes).cancel_attempted_at, (m.becomes).snoozes)
                        is not distinct from row((m.before).cancel_attempted_at, (m.before).snoozes) then j.metadata
                        else j.metadata - '{cancel_attempted_at,snoozes}'::text[] || jsonb_strip_nulls(jsonb_build_object(
                            'cancel_attempted_at', (m.becomes).cancel_attempted_at, 'snoozes', (m.becomes).snoozes)) end
                from judged m
                where j.id = m.id and m.code is null and act <> 'delete'
                returning m.*
            ), gone as (
                delete from river.river_job j
                using judged m
                where j.id = m.id and m.code is null and act = 'delete'
                returning m.*
            ), done as materialized (
                select * from kept union all select * from gone
            ), noted as (
                insert into work.audit (act, jobs, job_id, job_ids, queue, reason, undoes, undo_until, before, after)
                select act, n.jobs, case when n.jobs = 1 then n.ids[1] end, case when n.jobs > 1 then n.ids end, n.queue, act.reason, entry,
                       case when act = 'delete' then null
                            when nullif(current_setting('jobs.bulk', true), '') is not null then 'infinity' -- the bulk act has the time
                            else now() + interval '10 minutes' end,
                       case when n.jobs = 1 then (select jobs.brief(d.kind, d.queue, d.before) from done d)
                            else jsonb_build_object('states', (select jsonb_object_agg(s.state, s.jobs) from (select (d.before).state, count(*) as jobs from done d group by 1) s),
                                'kinds', (select jsonb_object_agg(k.kind, k.jobs) from (select d.kind, count(*) as jobs from done d group by 1) k)) end,
                       case when act = 'delete' then null
                            when n.jobs = 1 then (select jobs.brief(d.kind, d.queue, d.becomes) from done d)
                            else jsonb_build_object('states', (select jsonb_object_agg(s.state, s.jobs) from (select (d.becomes).state, count(*) as jobs from done d group by 1) s)) end
                from (select count(*) as jobs, array_agg(d.id order by d.id) as ids, case when min(d.queue) = max(d.queue) then min(d.queue) end as queue from done d) n
                where n.jobs > 0
                returning id, undo_until
            ), remembered as (
                insert into work.undo (audit_id, job_id, until, before, after)
                select n.id, d.id, n.undo_until, d.before, d.becomes from done d, noted n where n.undo_until is not null
            ), told as (
                -- River sends none of these notices: the jobs would wait for a worker's poll.
                select pg_notify('river.river_insert', format('{"queue": %s}', to_json(q.queue)))
                from (select distinct d.queue from done d where (d.becomes).state = 'available' and act <> 'snooze') q
                union all
                -- The worker that runs the job ends its context. River sends one notice for each job; among many, only running
                -- ones need it.
                select pg_notify('river.river_control', json_build_object('action', 'cancel', 'job_id', d.id, 'queue', d.queue)::text)
                from done d where act = 'cancel' and ((d.becomes).state = 'running' or cardinality(job_ids) = 1)
            )
            select r.id, r.state, r.changed, r.note, r.code
            from (
                select d.id, (d.becomes).state, true as changed, d.note, d.code from done d
                union all
                select m.id, m.state, false, m.note, m.code from judged m where m.code is not null) r
            where (select count(*) from told) >= 0
            order by r.id;
            return;
        exception
            when unique_violation then -- a duplicate was committed meanwhile: now jobs.judge sees it
                if try = 3 then
                    raise exception 'Duplicates of these jobs are being enqueued: nothing was changed. Try again.' using errcode = '55000';
                end if;
            when lock_not_available or deadlock_detected then
                if pass or try = 3 then
                    raise exception 'Another transaction has locked what one of these jobs needs: nothing was changed. Try again.' using errcode = '55P03';
                end if;
                pass := true;
        end;
    end loop;
end $$;
comment on function jobs.act is 'The engine of the verbs on jobs. Does the act to each of job_ids that it may change, and returns for each id whether it changed and if not why (see jobs.may). Waits at most 2 s for a locked job. Writes one entry of jobs.audit for all jobs that changed, with the reason. until is the time of jobs.snooze, entry the entry that jobs.undo undoes.';
