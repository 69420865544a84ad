-- Inserts one job as River's insert of many does, which takes arrays: planning and unpacking those costs a fifth of it. River has computed
-- the values. A null id ($1) or scheduled_at ($9) is the next id, and the server's time. If the job is unique and exists already, its row
-- is returned; it is written unchanged, since only a row that is written is returned.
insert into river.river_job (id, args, created_at, kind, max_attempts, metadata, priority, queue, scheduled_at, state, tags, unique_key, unique_states)
values (coalesce($1::bigint, nextval('river.river_job_id_seq')), $2::jsonb, $3::timestamptz, $4::text, $5::smallint, $6::jsonb, $7::smallint,
    $8::text, coalesce($9::timestamptz, now()), $10::text::river.river_job_state, string_to_array($11::text, ','), $12::bytea,
    nullif($13::int, 0)::bit(8))
on conflict (unique_key) where unique_key is not null and unique_states is not null and river.river_job_state_in_bitmask(unique_states, state)
do update set kind = river_job.kind
returning id, args, attempt, case when isfinite(attempted_at) then attempted_at end, attempted_by,
    case when isfinite(created_at) then created_at else now() end, errors::text[], kind, max_attempts, metadata, priority,
    case when isfinite(scheduled_at) then scheduled_at else created_at end, tags, unique_key, unique_states, queue, state::text,
    case when isfinite(finalized_at) then finalized_at end, xmax <> 0
