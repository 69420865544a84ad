-- jobs.explain: why a job does not run, and when it will.

create function jobs.explain(job_id bigint)
returns table (id bigint, kind text, queue text, state text, code text, why text, advice text, place bigint, running bigint, slots bigint,
    ended_per_minute numeric, expected_at timestamptz, workers text[], twin bigint, paused_by text, paused_reason text,
    paused_queue text, worker text, started_at timestamptz, finished_at timestamptz, last_error text)
language plpgsql stable set search_path = pg_catalog, pg_temp set jit = off as $$
#variable_conflict use_column
declare
    j record;
    q record;
begin
    select o.id, o.kind, o.queue, o.state, o.priority, o.scheduled_at, o.waiting, o.why_waiting, o.twin, o.worker, o.cancelling, o.started_at,
           o.finished_at, o.last_error, o.attempt, o.max_attempts, o.home_queue
    into j from jobs.job o where o.id = explain.job_id;
    if j.id is null then
        raise exception '%', coalesce('There is no job ' || explain.job_id || ': it may have been deleted. Its attempts of the last day are in jobs.attempt.',
            'The job id is null.') using errcode = 'P0002';
    end if;
    id := j.id; kind := j.kind; queue := j.queue; state := j.state; twin := j.twin; worker := j.worker;
    started_at := j.started_at; finished_at := j.finished_at; last_error := j.last_error;
    -- jobs.queue would count the jobs of all queues. The queue that an isolated job came from comes first.
    select x.name as queue, true as paused, a.who as paused_by, a.reason as paused_reason into q
    from river.river_queue x
    left join lateral (
        select e.who, e.reason from work.audit e
        where e.job_id is null and e.queue = x.name and e.act = 'pause' and e.at = x.paused_at order by e.id desc limit 1) a on true
    where x.name in (j.queue, case when j.queue in ('alone', 'singly') then j.home_queue end) and x.paused_at is not null
    order by x.name = j.queue limit 1;
    select count(*) into running from river.river_job o where o.state = 'running' and o.queue = j.queue;
    if q.paused then
        paused_queue := q.queue; paused_by := q.paused_by; paused_reason := q.paused_reason;
    end if;
    select array_agg(w.worker order by w.worker), sum(w.slots) into workers, slots
    from jobs.worker w
    where w.alive and not w.draining and jobs.takes(w.queues, w.kinds, j.queue, j.kind);
    select round(sum(m.ended) / (extract(epoch from now() - date_trunc('minute', now() - interval '4 min')) / 60), 1) into ended_per_minute
    from jobs.minute m where m.minute > now() - interval '5 min' and m.queue = j.queue;

    code := case
        when j.state = 'running' and exists (select from jobs.worker w where w.worker = j.worker and not w.alive) then 'orphaned'
        when j.cancelling then 'cancelling'
        else coalesce(j.waiting, case when j.state in ('running', 'completed', 'cancelled', 'discarded') then j.state::text end)
    end;
    why := case code
        when 'cancelling' then format('it was told to stop and is still running on worker %s', j.worker)
        when 'running' then format('it has been running on worker %s since %s', j.worker, j.started_at)
        when 'orphaned' then format('it has been running since %s on worker %s, which is not alive', j.started_at, j.worker)
        when 'completed' then format('it was completed at %s', j.finished_at)
        when 'cancelled' then format('it was cancelled at %s', j.finished_at) || coalesce(': ' || j.last_error, '')
        when 'discarded' then format('it was discarded at %s', j.finished_at) || coalesce(': ' || j.last_error, '')
        else j.why_waiting
    end;
    if j.state = 'available' and j.scheduled_at <= now() then
        select count(*) + 1 into place from jobs.job o
        where o.queue = j.queue and o.state = 'available' and o.scheduled_at <= now()
          and (o.priority, o.scheduled_at, o.id) < (j.priority, j.scheduled_at, j.id);
        if workers is not null and not coalesce(q.paused, false) and ended_per_minute > 0 then
            expected_at := now() + make_interval(secs => (place / ended_per_minute * 60)::float8);
        end if;
    elsif j.state in ('available', 'scheduled', 'retryable') and code is distinct from 'duplicate' and workers is not null and not coalesce(q.paused, false) then
        expected_at := greatest(j.scheduled_at, now());
    end if;
    advice := case
        when code in ('cancelled', 'discarded') then format('select * from jobs.retry(%s, ''why'')', j.id)
        when code = 'orphaned' then 'any live worker or web process will rescue it within seconds; jobs.health shows whether there is one'
        when code = 'pending' then format('to release it: select * from jobs.run_now(%s, ''why'')', j.id)
        when code = 'unreadable' then format('start a worker whose release can read its arguments, or: select * from jobs.cancel(%s, ''why'')', j.id)
        when code = 'paused' then format('select * from jobs.resume(%L, ''why'')', paused_queue)
        when code = 'duplicate' then format('see jobs.explain(%s), which holds the key', j.twin)
        when code in ('backing_off', 'scheduled', 'due') then format('to run it now: select * from jobs.run_now(%s, ''why'')', j.id)
        when code in ('no_worker', 'no_worker_for_queue', 'no_worker_for_kind') then 'start a worker that takes it; jobs.worker lists those that are alive'
        when code = 'all_draining' then 'select jobs.undrain(worker, ''why'') from jobs.worker where draining and alive'
        when place > 1 then 'it runs after the jobs ahead of it; more workers would run it sooner'
    end;
    return next;
end $$;
comment on function jobs.explain is 'Why the job job_id does not run, or how it ended. code is jobs.job.waiting for a waiting job, and otherwise running, cancelling (told to stop, still running), orphaned (its worker is not alive), completed, cancelled or discarded. why is the sentence for the code, and advice says what to do. Then come the job''s place in line; how many jobs run in its queue, on how many slots; how many attempts end there per minute; when the job is expected to start (or, if unreadable, to be tried again; null for a duplicate, which would be discarded); the live workers that take it; the job that holds its unique key (twin); which of its queues is paused, by whom and why; and the job''s own worker, times and last error.';
