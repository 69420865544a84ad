-- Returns how many of the workers @ids are alive, have acknowledged that they drain, and run no job.
select count(*) from work.worker w
where w.id = any (@ids) and w.stopped_at is null and w.dead_at is null and w.draining and w.drained_at is not null and w.running = 0
  and not exists (select from river.river_job j where j.state = 'running' and jobs.runner(j.attempted_by) = w.id)
