-- Deletes completed jobs that finished before @before, the oldest first. Go puts the other states in place of this one, which
-- is a constant so that the planner can use its index. @but queues to leave out (null: none), @only queues to delete from (null: all),
-- @most how many.
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
