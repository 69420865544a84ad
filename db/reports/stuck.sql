-- What is stuck: jobs that should run and do not, those that run for longer than their kind does, queues and schedules that
-- nobody sees to.
-- psql "$DATABASE_URL" -f db/reports/stuck.sql        heroku pg:psql -f db/reports/stuck.sql
\echo
\echo 'Due, and not running, by the reason'
select why_waiting, queue, kind, count(*) as jobs, max(wait) as longest_wait, min(id) as first_id
from jobs.job where state = 'available' and scheduled_at < now() - interval '5 s'
group by 1, 2, 3 order by longest_wait desc limit 30;

\echo 'Due for a retry or by schedule, and not made available'
select id, kind, queue, state, now() - nullif(scheduled_at, '-infinity') as late, why_waiting
from jobs.job where state in ('scheduled', 'retryable') and scheduled_at < now() - interval '30 s'
order by scheduled_at limit 30;

\echo 'Running for longer than ten times what 99 of 100 of their kind take, or for an hour'
select j.id, j.kind, j.run, k.run_p99 as usual, j.worker, j.progress, j.progress_note, j.cancelling
from jobs.job j left join jobs.kind k using (kind)
where j.state = 'running' and (j.run > 10 * k.run_p99 and j.run > interval '10 s' or j.run > interval '1 hour')
order by j.run desc limit 30;

\echo 'Queues that are paused, or that no live worker takes'
select queue, paused, paused_by, paused_reason, available, oldest_wait, workers
from jobs.queue where paused or workers = 0 and available > 0 order by queue;

\echo 'Schedules that are overdue or broken'
select name, kind, words, next_at, overdue, broken from jobs.schedule where not retired and (overdue > interval '1 min' or broken is not null) order by next_at;
