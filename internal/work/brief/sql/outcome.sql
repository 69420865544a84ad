-- Stores the outcomes of the jobs of a batch that did not simply complete. $1 ids in order; for each: $2 state, $3 whether the attempt
-- counts, $4 when it started and $5 when it ended, in microseconds since the transaction began, $6 how many microseconds from now it is
-- due again, $7 its error (null: none), $8 what to add to its metadata. $9 this worker.
update river.river_job set
    state = (($2::text[])[width_bucket(id, $1::bigint[])])::river.river_job_state,
    attempt = least(attempt + (($3::bool[])[width_bucket(id, $1::bigint[])])::int, 32767),
    attempted_at = now() + interval '1 us' * ($4::int[])[width_bucket(id, $1::bigint[])],
    finalized_at = case when ($2::text[])[width_bucket(id, $1::bigint[])] in ('completed', 'cancelled', 'discarded')
        then now() + interval '1 us' * ($5::int[])[width_bucket(id, $1::bigint[])] end,
    scheduled_at = case when ($2::text[])[width_bucket(id, $1::bigint[])] in ('retryable', 'scheduled')
        then clock_timestamp() + interval '1 us' * ($6::bigint[])[width_bucket(id, $1::bigint[])] else scheduled_at end,
    errors = case when ($7::text[])[width_bucket(id, $1::bigint[])] is null then errors
        when array_ndims(errors) > 1 then array[(($7::text[])[width_bucket(id, $1::bigint[])])::jsonb]
        else array_append(errors, (($7::text[])[width_bucket(id, $1::bigint[])])::jsonb) end,
    metadata = case when jsonb_typeof(metadata) = 'object' then metadata else '{}' end || (($8::text[])[width_bucket(id, $1::bigint[])])::jsonb,
    attempted_by = case when array_ndims(attempted_by) > 1 then array[$9::text]
        else array_append(attempted_by[greatest(array_length(attempted_by, 1) - 98, 1):], $9::text) end
where id = any($1::bigint[])
