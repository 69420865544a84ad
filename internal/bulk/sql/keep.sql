-- Stores where a bulk act stands, in the transaction of a chunk, and renews the lease.
update work.bulk set
    last_id     = @last_id,
    done        = @done,
    changed     = @changed,
    unchanged   = @unchanged,
    codes       = @codes::jsonb,
    matches     = greatest(matches, @done),
    failures    = 0,
    lease_until = clock_timestamp() + make_interval(secs => @lease)
where id = @id
