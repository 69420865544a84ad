-- Ends a running job for good, whose next state the server refuses; it gives up its unique key. Errors that other programs left as an
-- array of arrays, to which Postgres appends nothing, are replaced. @id the job, @state its last, @error to append, @attempt and
-- @client that must hold it (null: any).
update river.river_job set
    state = @state::text::river.river_job_state,
    finalized_at = now(),
    unique_key = null,
    errors = case when array_ndims(errors) > 1 then array[@error::text::jsonb] else array_append(errors, @error::text::jsonb) end
where id = (
    select id from river.river_job
    where id = @id and state = 'running' and (@attempt::int is null or attempt = @attempt and jobs.runner(attempted_by) = @client)
    for update skip locked)
returning id
