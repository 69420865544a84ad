-- What workers did for a request. Attempts are recorded in batches, within a second, and kept for a day.
select job_id, kind, attempt, outcome, worker, due_at, started_at, ended_at,
       extract(epoch from wait)::float8 * 1000 as wait_ms, extract(epoch from run)::float8 * 1000 as run_ms, steps
from jobs.attempt where request_id = @request order by started_at, job_id
