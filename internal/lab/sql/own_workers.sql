-- The worker processes that the experiment has started.
select process, worker, status, started_at, dead_at, stopped_at from jobs.worker
where 'lab_own' = any(queues) and started_at >= (select started_at from lab_run where id = @run)
order by started_at
