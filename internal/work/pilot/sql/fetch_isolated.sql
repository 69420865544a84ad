-- Takes isolated jobs, as fetch.sql does and with its arguments, unless the queue that they came from is paused.
update river.river_job set
    state = 'running', attempt = least(attempt, 32766) + 1, attempted_at = now(),
    attempted_by = case when array_ndims(attempted_by) > 1 then array[$4::text]
        else array_append(attempted_by[greatest(array_length(attempted_by, 1) + 2 - $5::int, 1):], $4::text) end
where id = any(array(
    select id from river.river_job
    where state = 'available' and queue = $1 and ($2::text[] is null or kind = any($2)) and scheduled_at <= now()
        and not exists (select from river.river_queue q where q.name = river_job.metadata ->> 'queue' and q.paused_at is not null)
    order by priority, scheduled_at, id
    limit $3
    for update skip locked))
returning id, args, attempt, attempted_at, case when array_length(attempted_by, 1) > 1 then attempted_by end,
    case when isfinite(created_at) then created_at else now() end,
    nullif(errors, '{}')::text[], kind, max_attempts, metadata, priority,
    scheduled_at, nullif(tags, '{}')::text[],
    unique_key, unique_states
