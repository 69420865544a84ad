-- Finds the jobs among @ids that @worker runs and that were told to stop.
select id from river.river_job
where id = any (@ids) and state = 'running' and metadata ? 'cancel_attempted_at' and jobs.runner(attempted_by) = @worker
