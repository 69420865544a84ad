-- Lists those of the queues $1 in which a job is due, unless the queue is paused.
select w.name from unnest($1::text[]) as w (name)
where exists (select from river.river_job j where j.state = 'available' and j.queue = w.name and j.scheduled_at <= now())
    and not exists (select from river.river_queue q where q.name = w.name and q.paused_at is not null)
