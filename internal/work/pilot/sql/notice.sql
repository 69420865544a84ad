-- Sends a notice for each queue into which jobs were just inserted, in exactly River's text, since Postgres merges equal notices. A
-- queue in which $4 other jobs have come due within the last $3 seconds gets none. $1 queues, $2 how many jobs were inserted into each.
-- It reads only these seconds' entries of the fetching index, for each priority: the entries before them include all jobs that were
-- fetched since the last vacuum.
select pg_notify('river.river_insert', '{"queue": ' || to_json(q.name) || '}')
from unnest($1::text[], $2::int[]) as q (name, inserted)
where (select count(*) from (
    select from river.river_job
    where state = 'available' and queue = q.name and priority = any('{1,2,3,4}')
        and scheduled_at > statement_timestamp() - make_interval(secs => $3) and scheduled_at <= statement_timestamp()
    limit $4::int + q.inserted) newest) < $4::int + q.inserted
