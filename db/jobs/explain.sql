-- jobs.explain: why a job does not run, and when it will.

create function jobs.explain(job_id bigint)
returns table (id bigint, kind text, queue text, state text, why text, advice text, place bigint, running bigint, slots bigint,
    ended_per_minute numeric, expected_at timestamptz, workers text[], twin bigint, paused_by text, paused_reason text)
language plpgsql stable set search_path = pg_catalog, pg_temp set jit = off as $$
#variable_conflict use_column
declare
    j record;
    q record;
    home record;
    orphaned boolean;
begin
    select o.id, o.kind, o.queue, o.state, o.priority, o.scheduled_at, o.why_waiting, o.twin, o.worker, o.cancelling, o.started_at,
           o.finished_at, o.last_error, o.attempt, o.max_attempts, o.home_queue, o.held
    into j from jobs.job o where o.id = explain.job_id;
    if j.id is null then
        raise exception 'There is no job %: it may have been cleaned away. Its attempts of the last day are in jobs.attempt.',
            coalesce(explain.job_id::text, 'without a number') using errcode = 'P0002';
    end if;
    id := j.id; kind := j.kind; queue := j.queue; state := j.state; twin := j.twin;
    select x.queue, x.paused, x.paused_by, x.paused_reason, x.running into q from jobs.queue x where x.queue = j.queue;
    running := q.running;
    if j.queue = 'alone' then
        select x.queue, x.paused, x.paused_by, x.paused_reason into home from jobs.queue x where x.queue = j.home_queue and x.paused;
        if found then
            q := home;
        end if;
    end if;
    paused_by := q.paused_by; paused_reason := q.paused_reason;
    select array_agg(w.worker order by w.worker), sum(w.slots) into workers, slots
    from jobs.worker w
    where w.alive and not w.draining and (w.queues = '{}' or j.queue = any (w.queues) or j.queue = 'alone')
      and (w.kinds = '{}' or j.kind = any (w.kinds));
    select round(sum(m.ended) / (extract(epoch from now() - date_trunc('minute', now() - interval '4 min')) / 60), 1) into ended_per_minute
    from jobs.minute m where m.minute > now() - interval '5 min' and m.queue = j.queue;

    orphaned := j.state = 'running' and exists (select from jobs.worker w where w.worker = j.worker and not w.alive);
    why := case
        when j.cancelling then format('it was told to stop, and runs on worker %s', j.worker)
        when j.state = 'running' then format('it runs on worker %s since %s', j.worker, j.started_at)
            || case when orphaned then ', which is not alive' else '' end
        when j.state = 'completed' then format('it was completed at %s', j.finished_at)
        when j.finished_at is not null then format('it was %s at %s', j.state, j.finished_at) || coalesce(': ' || j.last_error, '')
        else j.why_waiting
    end;
    if j.state = 'available' and j.scheduled_at <= now() then
        select count(*) + 1 into place from jobs.job o
        where o.queue = j.queue and o.state = 'available' and o.scheduled_at <= now()
          and (o.priority, o.scheduled_at, o.id) < (j.priority, j.scheduled_at, j.id);
        if workers is not null and not coalesce(q.paused, false) and ended_per_minute > 0 then
            expected_at := now() + make_interval(secs => (place / ended_per_minute * 60)::float8);
        end if;
    elsif j.state in ('available', 'scheduled', 'retryable') and workers is not null and not coalesce(q.paused, false) then
        expected_at := greatest(j.scheduled_at, now());
    end if;
    advice := case
        when j.state in ('discarded', 'cancelled') then format('select * from jobs.retry(%s, ''why'')', j.id)
        when orphaned then 'it is taken over as soon as a live worker or a web process finds out; see jobs.health'
        when j.state = 'running' or j.finished_at is not null then null
        when j.state = 'pending' then format('to release it: select * from jobs.run_now(%s, ''why'')', j.id)
        when j.held is not null and why like 'held%' then format('start a worker of a release that can read it, or: select * from jobs.cancel(%s, ''why'')', j.id)
        when q.paused then format('select * from jobs.resume(%L, ''why'')', q.queue)
        when j.twin is not null and j.state <> 'available' then format('see jobs.explain(%s), the twin', j.twin)
        when j.state in ('scheduled', 'retryable') then format('to run it at once: select * from jobs.run_now(%s, ''why'')', j.id)
        when why like 'no %' then 'start a worker that takes it; those that live are in jobs.worker'
        when why like 'every worker%' then 'select jobs.undrain(worker) from jobs.worker where draining and alive'
        when place > 1 then 'it runs when those before it have; more workers make it sooner'
    end;
    return next;
end $$;
comment on function jobs.explain is 'Why the job job_id does not run, or what became of it: the reason, what to do, its place in line, how many run in its queue and on how many slots, how many attempts a minute end there, when it is likely to start, the live workers that take it, its unique twin, and who paused its queue and why.';
