-- Takes jobs of a queue from behind the last place of each priority, as fetch.sql does from the front. $1 to $5 as there; $6 and $7 are
-- the time and id of the place of priority 1, and so on. The priorities are read one after the other, each only if those before it have
-- not brought enough.
update river.river_job set
    state = 'running', attempt = least(attempt, 32766) + 1, attempted_at = now(),
    attempted_by = case when array_ndims(attempted_by) > 1 then array[$4::text]
        else array_append(attempted_by[greatest(array_length(attempted_by, 1) + 2 - $5::int, 1):], $4::text) end
where id = any(array(
    select id from (values (1::smallint, $6::timestamptz, $7::bigint), (2, $8, $9), (3, $10, $11), (4, $12, $13)) as place (priority, due, last)
    cross join lateral (
        select id from river.river_job j
        where state = 'available' and queue = $1 and j.priority = place.priority and (scheduled_at, id) > (place.due, place.last)
            and ($2::text[] is null or kind = any($2)) and scheduled_at <= now()
        order by scheduled_at, id
        limit $3::int
        for update skip locked) next
    limit $3::int))
returning id, args, attempt, attempted_at, case when array_length(attempted_by, 1) > 1 then attempted_by end,
    case when isfinite(created_at) then created_at else now() end,
    nullif(errors, '{}')::text[], kind, max_attempts, metadata, priority,
    scheduled_at, nullif(tags, '{}')::text[],
    unique_key, unique_states
