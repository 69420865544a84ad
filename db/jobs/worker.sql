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
