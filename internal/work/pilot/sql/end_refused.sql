-- Ends a running job whose next state the server refuses, and removes its unique key. Errors that another program wrote as an array of
-- arrays, to which Postgres cannot append, are replaced. @id the job, @state its last, @error to append, @attempt and @client that must
-- hold it (null: any).
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
