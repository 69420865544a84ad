-- How many workers are alive and how many of these drain, their slots, the silent ones, and how many jobs wait.
select count(*) filter (where alive), count(*) filter (where alive and draining), coalesce(sum(slots) filter (where alive), 0),
    coalesce(array_agg(worker) filter (where status = 'silent'), '{}'), (select coalesce(sum(available), 0) from jobs.queue)
from jobs.worker
