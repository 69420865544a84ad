-- The queue whose oldest job has waited longest, and for how many seconds.
select coalesce((array_agg(queue order by oldest_wait desc))[1], ''), coalesce(extract(epoch from max(oldest_wait)), 0)::float8
from jobs.queue where not paused and oldest_wait is not null
