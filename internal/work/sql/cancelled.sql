-- Finds the jobs among @ids that @worker runs and that an operator cancelled.
select id from river.river_job
where id = any (@ids) and state = 'running' and metadata ? 'cancel_attempted_at' and jobs.runner(attempted_by) = @worker
