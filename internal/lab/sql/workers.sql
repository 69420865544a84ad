-- The live workers that take the lab's queue, and how many of its jobs they run at once.
select count(*) as workers, coalesce(sum(slots / greatest(cardinality(queues), 1)), 0)::bigint as slots
from jobs.worker where alive and not draining and 'lab' = any(queues)
