-- The jobs of the experiment, as they are at this moment. They are deleted when it is over.
select id, state, waiting, why_waiting, attempt, worker, enqueued_at, started_at, finished_at
from jobs.job where id = any(@jobs) order by id
