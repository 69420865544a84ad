-- Makes a bulk act wait until its grown number of matches is confirmed.
update work.bulk set state = 'grown', matches = @matches, lease_by = null, lease_until = null
where id = @id and lease_by = @by and state = 'running'
