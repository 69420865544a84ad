-- jobs.worker: who works, and draining.

create view jobs.worker as
select w.id as worker,
       case
           when w.stopped_at is not null then 'stopped'
           when w.dead_at is not null then 'dead'
           when l.worker is null then 'silent'
           when w.draining and w.running = 0 and w.drained_at is not null then 'drained'
           when w.draining then 'draining'
           else 'working'
       end                                   as status,
       w.process_type, w.dyno as process, w.index, w.release, w.slots, w.running,
       w.running::float8 / nullif(w.slots, 0) as busy,
       w.queues, w.kinds, w.rss_bytes, w.draining, w.drained_at, w.started_at, w.seen_at, w.stopped_at, w.dead_at,
       l.worker is not null as alive,
       (select array_agg(j.id order by j.id) from river.river_job j
        where j.state = 'running' and jobs.runner(j.attempted_by) = w.id) as jobs
from work.worker w
left join jobs.live l on l.worker = w.id;

comment on view jobs.worker is 'Every worker process, and those that have gone in the last 7 days. Those that work: where alive.';
comment on column jobs.worker.worker is 'Its id, as in jobs.job.worker. A restart makes a new one.';
comment on column jobs.worker.status is 'working, draining (takes nothing more), drained (and has nothing left), silent (no beat for 12 s: about to be declared dead), stopped (by itself) or dead (its jobs run elsewhere).';
comment on column jobs.worker.process_type is 'What it is on the platform, as in worker.';
comment on column jobs.worker.process is 'Its name there, as in worker.2.';
comment on column jobs.worker.index is 'Its number there.';
comment on column jobs.worker.release is 'The release that it runs.';
comment on column jobs.worker.slots is 'Jobs that it may run at once.';
comment on column jobs.worker.running is 'Jobs that it ran at its last beat.';
comment on column jobs.worker.busy is 'The share of its slots that were taken then.';
comment on column jobs.worker.queues is 'The queues that it takes from; empty if it does not say.';
comment on column jobs.worker.kinds is 'The kinds that it knows; empty if it does not say.';
comment on column jobs.worker.rss_bytes is 'Its resident memory.';
comment on column jobs.worker.draining is 'It was told to take nothing more: jobs.drain, jobs.undrain.';
comment on column jobs.worker.drained_at is 'Since when it has taken nothing.';
comment on column jobs.worker.started_at is 'When it came.';
comment on column jobs.worker.seen_at is 'Its last beat; there is one a second.';
comment on column jobs.worker.stopped_at is 'When it went by itself.';
comment on column jobs.worker.dead_at is 'When it was declared dead.';
comment on column jobs.worker.alive is 'It beats and has neither stopped nor been declared dead.';
comment on column jobs.worker.jobs is 'The jobs that it runs now: jobs.job.';

create function jobs.drain(worker text, reason text default null) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    w work.worker;
begin
    select * into w from work.worker x where x.id = drain.worker for update;
    if w.id is null then
        raise exception 'There is no worker %. They are in jobs.worker.', quote_nullable(drain.worker) using errcode = 'P0002';
    elsif w.stopped_at is not null or w.dead_at is not null then
        raise exception 'Worker % is gone: it % at %. Those that work are in jobs.worker where alive.', w.id,
            case when w.stopped_at is not null then 'stopped' else 'was declared dead' end, coalesce(w.stopped_at, w.dead_at)
            using errcode = '55000';
    elsif w.draining then
        return;
    end if;
    update work.worker x set draining = true where x.id = w.id; -- a trigger tells the worker
    insert into work.audit (act, worker, reason, before, after)
    values ('drain', w.id, drain.reason, '{"draining": false}', '{"draining": true}');
end $$;
comment on function jobs.drain is 'Makes one worker, named by its id, take nothing more and finish what it runs; jobs.worker tells when it has drained. Does nothing to one that drains already. The reason goes to jobs.audit.';

create function jobs.undrain(worker text, reason text default null) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    w work.worker;
begin
    select * into w from work.worker x where x.id = undrain.worker for update;
    if w.id is null then
        raise exception 'There is no worker %. They are in jobs.worker.', quote_nullable(undrain.worker) using errcode = 'P0002';
    elsif not w.draining then
        return;
    end if;
    update work.worker x set draining = false, drained_at = null where x.id = w.id; -- a trigger tells the worker
    insert into work.audit (act, worker, reason, before, after)
    values ('undrain', w.id, undrain.reason, '{"draining": true}', '{"draining": false}');
end $$;
comment on function jobs.undrain is 'Lets one worker, named by its id, take jobs again. Does nothing to one that does not drain. The reason goes to jobs.audit.';
