-- The two requests: when they were answered, and their steps.
select side, request_id, started_at, ended_at, extract(epoch from ended_at - started_at)::float8 * 1000 as ms, steps
from lab_request where run_id = @run order by started_at
