-- The week: jobs by day and by kind, compared with the week before, and their errors.
-- psql "$DATABASE_URL" -f db/reports/week.sql        heroku pg:psql -f db/reports/week.sql
\echo
\echo 'By day, in the time zone of this session'
select minute::date as day, sum(completed) as completed, sum(failed) as failed, sum(discarded) as discarded,
       round((100 * sum(failed + discarded) / nullif(sum(completed + failed + discarded), 0)::numeric), 2) as percent_failing,
       sum(run_total) as run_time, sum(wait_total) / nullif(sum(ended), 0) as wait_each, sum(run_total) / nullif(sum(ended), 0) as run_each
from jobs.minute where minute >= date_trunc('day', now()) - interval '6 days' group by 1 order by 1;

\echo 'By kind, with the week before'
select kind, sum(completed) filter (where this) as completed, sum(completed) filter (where not this) as week_before,
       sum(failed + discarded) filter (where this) as failing, sum(failed + discarded) filter (where not this) as failing_before,
       sum(run_total) filter (where this) as run_time,
       sum(wait_total) filter (where this) / nullif(sum(ended) filter (where this), 0) as wait_each,
       sum(run_total) filter (where this) / nullif(sum(ended) filter (where this), 0) as run_each
from (select *, minute > now() - interval '7 days' as this from jobs.minute where minute > now() - interval '14 days') m
group by kind order by run_time desc nulls last;

\echo 'The busiest hours'
select date_trunc('hour', minute) as hour, sum(ended) as attempts, sum(wait_total) / nullif(sum(ended), 0) as wait_each
from jobs.minute where minute > now() - interval '7 days' group by 1 order by 2 desc limit 5;

\echo 'Errors of the week'
select fingerprint, last_day, last_month, first_seen_at > now() - interval '7 days' as new, regressed, kinds, left(message, 100) as message
from jobs.error where last_seen_at > now() - interval '7 days' and not muted and not aside order by last_month desc limit 20;

\echo 'Acts of operators'
select date_trunc('day', at)::date as day, who, act, count(*) as times, sum(jobs) as jobs, max(reason) as a_reason
from jobs.audit where at > now() - interval '7 days' group by 1, 2, 3 order by 1 desc, 4 desc limit 30;
