-- Makes a bulk act wait until its grown number of matches is confirmed, for a day: see jobs.end_unanswered.
update work.bulk set state = 'grown', matches = @matches, lease_by = null, lease_until = clock_timestamp() + interval '1 day'
where id = @id and lease_by = @by and state = 'running'
