-- Renews the lease of a bulk act, and stores how many jobs match once they are counted.
update work.bulk set
    matches     = coalesce(@matches, matches),
    expected    = coalesce(expected, @matches),
    lease_until = clock_timestamp() + make_interval(secs => @lease)
where id = @id and lease_by = @by and state = 'running'
