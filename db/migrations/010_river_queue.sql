-- Two additions to River's own tables. They change nothing that River reads or writes.

-- River deletes the rows of queues that no process has worked for a day, and a pause with them: workers that are scaled
-- up again would run what somebody had stopped. A paused queue keeps its row.
create function work.keep_pause() returns trigger language plpgsql as $$
begin
    return null; -- nothing is deleted
end $$;
create trigger keep_pause before delete on river.river_queue
    for each row when (old.paused_at is not null) execute function work.keep_pause();

-- Every process looks each second for jobs whose time has come. This finds them, and that there are none, however many
-- wait for later. River's own index begins with the queue.
create index work_due on river.river_job (scheduled_at) where state in ('retryable', 'scheduled');
