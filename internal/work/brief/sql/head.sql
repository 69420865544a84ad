-- Locks the next waiting jobs of a brief queue. $1 queue, $2 how many at most, $3 to $5 priority, scheduled_at and id of the last job
-- that was taken (priority 0: from the front). The rows keep their state: if the process dies, they wait as before.
select j.ctid::text, j.id, j.args, least(j.attempt, 32766) + 1, now(), case when array_length(j.attempted_by, 1) > 0 then j.attempted_by end,
    case when isfinite(j.created_at) then j.created_at else now() end, nullif(j.errors, '{}')::text[], j.kind, j.max_attempts, j.metadata,
    j.priority, j.scheduled_at, nullif(j.tags, '{}')::text[]
from river.river_job j
where j.state = 'available' and j.queue = $1 and j.scheduled_at <= now()
    and (j.priority, j.scheduled_at, j.id) > ($3::smallint, $4::timestamptz, $5::bigint)
    and not exists (select from river.river_queue q where q.name = $1 and q.paused_at is not null)
order by j.priority, j.scheduled_at, j.id
limit $2
for update of j skip locked
