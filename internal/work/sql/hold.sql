-- Locks the row of a job that this attempt still holds (the fence), with the time limits of finish.sql. $1 id, $2 attempt, $3 worker.
select set_config('idle_in_transaction_session_timeout', '8s', true), set_config('lock_timeout', '0', true)
from (
    select from river.river_job
    where id = $1 and attempt = $2 and state = 'running' and jobs.runner(attempted_by) = $3
        and set_config('lock_timeout', '200ms', true) is not null
    for update) held
