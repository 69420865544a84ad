-- Stores and announces a running job's progress, if this attempt holds the job and no transaction has locked its row. @id, @attempt and
-- @worker: the attempt; @progress to store; @channel to announce it on; @also and @payload: another channel ('' for none) and the
-- payload to send there.
with held as (
    select id from river.river_job
    where id = @id and attempt = @attempt and state = 'running' and jobs.runner(attempted_by) = @worker
    for update skip locked
), written as (
    update river.river_job j set metadata = jsonb_set(metadata, '{progress}', @progress::jsonb) from held where j.id = held.id
    returning j.id
)
select pg_notify(@channel, (jsonb_build_object('job_id', id) || (@progress::jsonb - 'at' - 'of'))::text) is not null
    and (@also = '' or pg_notify(@also, @payload) is not null) from written
