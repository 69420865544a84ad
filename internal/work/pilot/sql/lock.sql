-- Locks the jobs of a batch of outcomes that these attempts still hold. $1 ids, $2 attempts, $3 this client.
-- The planner cannot flatten the lateral subquery, because it locks, and so looks up each row by its key. It might run a join by
-- reading all jobs and comparing each with the whole batch, since it cannot know how many are this client's.
select coalesce(array_agg(held.id), '{}'), clock_timestamp()
from (select set_config('idle_in_transaction_session_timeout', '8s', true), set_config('lock_timeout', '500ms', true)) _
cross join (select * from unnest($1::bigint[], $2::int[]) order by 1) as a (id, attempt)
cross join lateral (
    select j.id from river.river_job j
    where j.id = a.id and j.attempt = a.attempt and j.state in ('running', 'completed') and jobs.runner(j.attempted_by) = $3
    for update skip locked) held
