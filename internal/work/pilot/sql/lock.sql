-- Locks the jobs of a batch of outcomes that these attempts still hold. $1 ids, $2 attempts, $3 this client.
-- The planner leaves the lateral subquery as it is, because it locks, and so finds each row by its key. A join would read all jobs
-- and compare each with the whole batch, since the planner cannot tell how many are this client's.
select coalesce(array_agg(held.id), '{}'), clock_timestamp()
from (select set_config('idle_in_transaction_session_timeout', '8s', true), set_config('lock_timeout', '500ms', true)) _
cross join (select * from unnest($1::bigint[], $2::int[]) order by 1) as a (id, attempt)
cross join lateral (
    select j.id from river.river_job j
    where j.id = a.id and j.attempt = a.attempt and j.state in ('running', 'completed') and jobs.runner(j.attempted_by) = $3
    for update skip locked) held
