-- Stuck jobs: those that should run but do not, and those that run much longer than others of their kind. Also queues that
-- are paused or without a worker, and schedules that are overdue or broken.
-- psql "$DATABASE_URL" -f db/reports/stuck.sql        heroku pg:psql -f db/reports/stuck.sql
\echo
\echo 'Due but not running, by reason'
select why_waiting, queue, kind, count(*) as jobs, max(wait) as longest_wait, min(id) as first_id
from jobs.job where state = 'available' and scheduled_at < now() - interval '5 s'
group by 1, 2, 3 order by longest_wait desc limit 30;

\echo 'Due for a retry or by schedule, but not made available'
select id, kind, queue, state, now() - nullif(scheduled_at, '-infinity') as late, why_waiting
from jobs.job where state in ('scheduled', 'retryable') and scheduled_at < now() - interval '30 s'
order by scheduled_at limit 30;

\echo 'Running for more than ten times the 99th percentile of their kind, or for more than an hour'
select j.id, j.kind, j.run, k.run_p99 as usual, j.worker, j.progress, j.progress_note, j.cancelling
from jobs.job j left join jobs.kind k using (kind)
where j.state = 'running' and (j.run > 10 * k.run_p99 and j.run > interval '10 s' or j.run > interval '1 hour')
order by j.run desc limit 30;

\echo 'Queues that are paused, or that no live worker takes'
select queue, paused, paused_by, paused_reason, available, oldest_wait, workers
from jobs.queue where paused or workers = 0 and available > 0 order by queue;

\echo 'Schedules that are overdue or broken'
select name, kind, words, next_at, overdue, broken from jobs.schedule where not retired and (overdue > interval '1 min' or broken is not null) order by next_at;
