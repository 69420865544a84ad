-- Completes jobs as complete.sql does, with its arguments, but skips rows that other sessions have locked.
update river.river_job j set state = 'completed', finalized_at = now() - interval '1 us' * v.age
from unnest($1::bigint[], $2::int[], $3::bigint[]) as v (id, attempt, age)
cross join lateral (
    select j.id from river.river_job j
    where j.id = v.id
        and case when j.attempt = v.attempt and j.state = 'running' and jobs.runner(j.attempted_by) = $4 then true else false end
    for update skip locked) free
where j.id = free.id
returning j.id
