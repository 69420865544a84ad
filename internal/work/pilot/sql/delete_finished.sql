-- Deletes completed jobs that have been kept long enough, the oldest first; Go puts the other states in the place of this one, which
-- is written out so that the plan is made for it. @before finished before, @but queues to leave out, @only queues to keep to (null:
-- none, all), @most how many.
with old as (
    delete from river.river_job where id = any(array(
        select id from river.river_job
        where state = 'completed' and finalized_at < @before
            and (@but::text[] is null or queue <> all(@but)) and (@only::text[] is null or queue = any(@only))
        order by finalized_at
        limit @most
        for update skip locked))
    returning 1)
select count(*) from old
