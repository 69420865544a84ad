-- Returns a job to its queue that was just fetched although this process still has an earlier attempt of it. The attempt keeps its
-- number, so that the fence can tell the two apart, but one more attempt is allowed in return. @id the job.
update river.river_job set state = 'available', scheduled_at = now() + interval '1 second', max_attempts = least(max_attempts + 1, 32767)
where id = (select id from river.river_job where id = @id and state = 'running' for update skip locked)
returning 1
