-- River deletes the rows of queues that no process has worked for a day, and a pause with them: workers that are scaled
-- up again would run what somebody had stopped. A paused queue keeps its row.
create function work.keep_pause() returns trigger language plpgsql as $$
begin
    return null; -- nothing is deleted
end $$;
create trigger keep_pause before delete on river.river_queue
    for each row when (old.paused_at is not null) execute function work.keep_pause();
