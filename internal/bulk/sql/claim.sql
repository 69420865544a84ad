-- Takes the lease of the oldest bulk act that waits, or whose process has not renewed its lease, and returns it.
update work.bulk b set
    state       = 'running',
    started_at  = coalesce(b.started_at, now()),
    lease_by    = @by,
    lease_until = clock_timestamp() + make_interval(secs => @lease)
where b.id = (
    select id from work.bulk
    where state in ('waiting', 'running') and (lease_until is null or lease_until <= clock_timestamp())
    order by id limit 1 for update skip locked)
returning b.id, b.act, b.search, b.highest_id, b.expected, b.matches, b.last_id, b.done, coalesce(b.reason, ''), b.who,
    coalesce(b.until::text, ''), coalesce(b.undoes, 0), b.created_at
