-- Completes a job in its worker's own transaction, if this attempt still holds it (the fence). $1 id, $2 attempt, $3 worker, $4 whether
-- to remove its cursor, so that it starts from the beginning if it is run once more, $5 its last progress (null: leave it).
-- It waits only briefly for locks, because there may be only two connections for all jobs; its returning clause lifts that limit for
-- the statements that follow. The server ends the transaction when it has been idle for as long as a worker continues without a
-- heartbeat: if the worker's host vanishes, the lock must not keep the job from being rescued.
update river.river_job set
    state = 'completed',
    finalized_at = clock_timestamp(),
    metadata = case when $5::jsonb is not null then jsonb_set(case when $4 then metadata - 'cursor' else metadata end, '{progress}', $5)
        when $4 then metadata - 'cursor' else metadata end
where id = $1 and attempt = $2 and state = 'running' and jobs.runner(attempted_by) = $3
    and set_config('lock_timeout', '200ms', true) is not null
returning set_config('idle_in_transaction_session_timeout', '8s', true), set_config('lock_timeout', '0', true)
