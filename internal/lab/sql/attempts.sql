-- The attempts of jobs that were enqueued with these request ids. They are recorded in batches, within a second, and kept for a day.
select request_id, job_id, kind, attempt, outcome, worker, due_at, started_at, ended_at,
       extract(epoch from wait)::float8 * 1000 as wait_ms, extract(epoch from run)::float8 * 1000 as run_ms, steps
from jobs.attempt where request_id = any(@requests) order by started_at, job_id
