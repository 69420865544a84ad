-- Moves waiting jobs to the ordinary lane, with a notice to its workers. $1 ids, $2 the queue of the ordinary lane. A row that another
-- transaction has locked stays: that transaction finds out the same about it.
with moved as (
    update river.river_job set
        queue = $2, metadata = case when jsonb_typeof(metadata) = 'object' then metadata else '{}' end || jsonb_build_object('queue', queue)
    where id = any(array(
        select id from river.river_job where id = any($1::bigint[]) and state = 'available' and queue <> $2 order by id for update skip locked))
    returning 1)
select pg_notify('river.river_insert', '{"queue": ' || to_json($2::text) || '}') from (select count(*) as jobs from moved) m where jobs > 0
