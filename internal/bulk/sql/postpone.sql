-- Gives up the lease of a bulk act, and returns how often in a row it has failed. Only a failure counts: it is retried after a while,
-- which doubles each time.
update work.bulk set
    failures    = failures + @failed::int,
    lease_by    = null,
    lease_until = case when @failed::int > 0 then clock_timestamp() + least(interval '1 s' * 2 ^ failures, interval '1 min') end
where id = @id and lease_by = @by and state = 'running'
returning failures
