-- The slowest kinds of the last 24 hours: which kinds use most of the workers' time.
-- psql "$DATABASE_URL" -f db/reports/slowest.sql        heroku pg:psql -f db/reports/slowest.sql
\echo
\echo 'By total running time'
select kind, completed_day + failed_day + discarded_day as attempts, run_day as run_time,
       round((100 * extract(epoch from run_day) / nullif(sum(extract(epoch from run_day)) over (), 0))::numeric, 1) as percent,
       run_day / nullif(completed_day + failed_day + discarded_day, 0) as each, run_p50, run_p95, run_p99, wait_p95
from jobs.kind where run_day > interval '0' order by run_day desc limit 20;

\echo 'The longest attempts'
select kind, job_id, attempt, run, wait, outcome, started_at, worker, release
from jobs.attempt where ended_at > now() - interval '1 day' order by run desc limit 20;
