-- Returns whether an isolated job waits whose kind this worker knows, and whether this worker has the turn to run it: half of the
-- workers do at a time. @queue the queue of isolated jobs, @kinds that this worker knows (null: all), @client this worker.
select true, coalesce((
    select r.nth <= r.most and r.most > (
        select count(*) from river.river_job
        where state = 'running' and queue = @queue and jobs.runner(attempted_by) <> @client)
    from (
        select w.id, row_number() over (order by md5(w.id || floor(extract(epoch from now()) / 10))) as nth,
               greatest(1, count(*) over () / 2) as most
        from work.worker w where w.stopped_at is null and w.dead_at is null and not w.draining) r
    where r.id = @client), false)
from (
    select from river.river_job
    where state = 'available' and queue = @queue and scheduled_at <= now() and (@kinds::text[] is null or kind = any(@kinds))
        and not exists (select from river.river_queue q where q.name = river_job.metadata ->> 'queue' and q.paused_at is not null)
    limit 1) known
union all select false, false
limit 1
