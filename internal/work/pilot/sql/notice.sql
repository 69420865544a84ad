-- Sends the notice of each queue into which jobs were just inserted, in River's very text, since Postgres merges equal notices. A queue
-- in which many other jobs have just come due gets none. $1 queues, $2 how many jobs were inserted into each, $3 seconds for which a
-- job has just come due, $4 how many are many.
-- It reads no more of the fetching index than the last second's entries, of each priority: before them are those of all jobs that
-- were fetched since the last vacuum.
select pg_notify('river.river_insert', '{"queue": ' || to_json(q.name) || '}')
from unnest($1::text[], $2::int[]) as q (name, inserted)
where (select count(*) from (
    select from river.river_job
    where state = 'available' and queue = q.name and priority = any('{1,2,3,4}')
        and scheduled_at > statement_timestamp() - make_interval(secs => $3) and scheduled_at <= statement_timestamp()
    limit $4::int + q.inserted) newest) < $4::int + q.inserted
