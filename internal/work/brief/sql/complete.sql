-- Completes the jobs of a batch that have nothing else to store. $1 where their rows are, which are locked and so do not move; $2 ids in
-- order; for each id, $3 when it started and $4 when it ended, in microseconds since the transaction began; $5 this worker.
update river.river_job set
    state = 'completed', attempt = least(attempt, 32766) + 1,
    attempted_at = now() + interval '1 us' * ($3::int[])[width_bucket(id, $2::bigint[])],
    finalized_at = now() + interval '1 us' * ($4::int[])[width_bucket(id, $2::bigint[])],
    attempted_by = case when array_ndims(attempted_by) > 1 then array[$5::text]
        else array_append(attempted_by[greatest(array_length(attempted_by, 1) - 98, 1):], $5::text) end
where ctid = any($1::text[]::tid[])
