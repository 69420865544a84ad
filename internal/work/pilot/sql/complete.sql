-- Completes jobs that have nothing else to store. $1 ids, $2 attempts, $3 microseconds since each ended, $4 this client.
-- The fence is inside a "case" to hide it from the planner, whose statistics show hardly any running job: it would scan the entries
-- of running jobs, including all that ended since the last vacuum. This way it looks up each row by its key.
update river.river_job j set state = 'completed', finalized_at = now() - interval '1 us' * v.age
from (select set_config('lock_timeout', '100ms', true)) _, unnest($1::bigint[], $2::int[], $3::bigint[]) as v (id, attempt, age)
where j.id = v.id
    and case when j.attempt = v.attempt and j.state = 'running' and jobs.runner(j.attempted_by) = $4 then true else false end
returning j.id
