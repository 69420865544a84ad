-- jobs.worker: the worker processes. The acts on them are in switch.sql.

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
       least(w.running::float8 / nullif(w.slots, 0), 1) as busy,
       w.queues, w.kinds, w.rss_bytes, w.draining, w.drained_at, w.started_at, w.seen_at, w.stopped_at, w.dead_at,
       l.worker is not null as alive,
       (select array_agg(j.id order by j.id) from river.river_job j
        where j.state = 'running' and jobs.runner(j.attempted_by) = w.id) as jobs
from work.worker w
left join jobs.live l on l.worker = w.id;

comment on view jobs.worker is 'Every worker process, including those that ended in the last 7 days. For the live ones, add: where alive.';
comment on column jobs.worker.worker is 'The worker''s id, as in jobs.job.worker. A restarted worker has a new one.';
comment on column jobs.worker.status is 'working, draining (takes no jobs), drained (and runs none), silent (no heartbeat for 12 s: about to be declared dead), stopped (by itself) or dead (declared dead; its jobs are rescued).';
comment on column jobs.worker.process_type is 'The process type on the platform, as in worker.';
comment on column jobs.worker.process is 'The process''s name on the platform, as in worker.2.';
comment on column jobs.worker.index is 'The process''s number on the platform.';
comment on column jobs.worker.release is 'The release that it runs.';
comment on column jobs.worker.slots is 'How many jobs it may run at once.';
comment on column jobs.worker.running is 'How many jobs it ran at its last heartbeat, those in batches included.';
comment on column jobs.worker.busy is 'The share of its slots that were in use then; 1 at most, although brief jobs need no slots.';
comment on column jobs.worker.queues is 'The queues that it takes jobs from; empty if it does not say, and then it counts for all.';
comment on column jobs.worker.kinds is 'The kinds that it knows; empty if it does not say, and then it counts for all.';
comment on column jobs.worker.rss_bytes is 'Its resident memory, in bytes.';
comment on column jobs.worker.draining is 'An operator stopped it taking jobs: jobs.drain, jobs.undrain.';
comment on column jobs.worker.drained_at is 'Since when it has taken no jobs.';
comment on column jobs.worker.started_at is 'When it started.';
comment on column jobs.worker.seen_at is 'Its last heartbeat; it sends one a second.';
comment on column jobs.worker.stopped_at is 'When it stopped by itself.';
comment on column jobs.worker.dead_at is 'When it was declared dead.';
comment on column jobs.worker.alive is 'It sends heartbeats, and has neither stopped nor been declared dead: see jobs.live.';
comment on column jobs.worker.jobs is 'The jobs that it runs now: see jobs.job.';
