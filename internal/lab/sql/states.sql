-- The jobs while they run. They are deleted when the experiment is over.
select id, kind, state, enqueued_at, started_at, finished_at
from jobs.job where id = any(@jobs) order by id
