-- Sends the notice of jobs that were just inserted into queue $1, in exactly River's text, since Postgres merges equal notices. It sends
-- none if $2 jobs of the queue, those inserted included, have come due within the last second: older jobs may wait because no worker can
-- run them. It reads only that second's entries of the fetching index, one priority at a time: the entries before them include all jobs
-- that were fetched since the last vacuum.
-- Postgres must keep a generic plan; planning at each call, as with arrays, costs more than the insert. It does so only if a generic plan
-- looks no dearer than one for the call's values, hence the constant interval.
select pg_notify('river.river_insert', '{"queue": ' || to_json($1::text) || '}')
where (select count(*) from (
    select from (values (1::smallint), (2::smallint), (3::smallint), (4::smallint)) as p (n)
    cross join lateral (
        select from river.river_job
        where state = 'available' and queue = $1 and priority = p.n
            and scheduled_at > statement_timestamp() - interval '1 second' and scheduled_at <= statement_timestamp()
        limit $2::int) each_priority
    limit $2::int) newest) < $2::int
