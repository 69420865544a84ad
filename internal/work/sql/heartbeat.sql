-- Writes a worker's row, which is its heartbeat. Returns whether it was declared dead, whether it is to drain, whether there is a
-- worker to declare dead or a job to rescue, and the seconds until the next worker whose session lock is gone is declared dead unless
-- it sends a heartbeat, and those of the queues @idle that have jobs for this worker. @id to @kinds: the row; @drained: it drains and no fetch is in flight; @quick and @silent: seconds without a
-- heartbeat after which a worker is dead, without its session lock and with it.
with old as (
    select dead_at from work.worker where id = @id for update
), heartbeat as (
    insert into work.worker as w (id, dyno, index, release, slots, running, rss_bytes, lock_key, locked, queues, kinds)
    values (@id, @dyno, @index, @release, @slots, @running, @rss, @lock_key, @locked, @queues, @kinds)
    on conflict (id) do update set
        running = excluded.running, rss_bytes = excluded.rss_bytes, locked = excluded.locked,
        seen_at = clock_timestamp(), dead_at = null,
        drained_at = case when w.draining and @drained then coalesce(w.drained_at, clock_timestamp()) end
    returning draining
), other as (
    select w.id, extract(epoch from clock_timestamp() - w.seen_at) as silent,
           w.locked and not exists (
               -- the worker's session lock, as in rescue.sql
               select from pg_locks l
               where l.locktype = 'advisory' and l.granted and l.objsubid = 1
                 and l.database = (select oid from pg_database where datname = current_database())
                 and l.classid = (w.lock_key >> 32)::oid and l.objid = (w.lock_key & 4294967295)::oid) as unlocked
    from work.worker w
    where w.id <> @id and w.stopped_at is null and w.dead_at is null
)
select coalesce((select dead_at is not null from old), false),
       (select draining from heartbeat),
       exists (select from other where silent > case when unlocked then @quick::float8 else @silent::float8 end)
           or exists (select from river.river_job j join work.worker w on w.id = jobs.runner(j.attempted_by)
                      where j.state = 'running' and (w.stopped_at is not null or w.dead_at is not null)),
       coalesce((select min(@quick::float8 - silent) from other where unlocked and silent <= @quick), 3600)::float8,
       array(select idle.queue from unnest(@idle::text[]) as idle (queue) where exists (
           select from river.river_job j where j.state = 'available' and j.queue = idle.queue and j.scheduled_at <= now() and j.kind = any(@kinds)))
