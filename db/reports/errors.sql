-- Errors by release, of the last 24 hours: is the newest release worse than the one before, and which errors are new?
-- psql "$DATABASE_URL" -f db/reports/errors.sql        heroku pg:psql -f db/reports/errors.sql
\echo
\echo 'Failed attempts by release'
select release, min(started_at) as since, count(*) as attempts, count(*) filter (where outcome = 'failed') as failed,
       count(*) filter (where outcome = 'discarded') as discarded,
       round(100.0 * count(*) filter (where outcome in ('failed', 'discarded')) / count(*), 2) as percent
from jobs.attempt where ended_at > now() - interval '1 day' group by release order by since desc;

\echo 'Errors, the most frequent first; "new" means that the release was the first to have it'
select a.release, a.fingerprint, count(*) as attempts, count(distinct a.job_id) as jobs, max(a.ended_at) as last_seen,
       e.first_release = a.release as new, e.regressed, string_agg(distinct a.kind, ', ') as kinds, left(e.message, 100) as message
from jobs.attempt a left join jobs.error e using (fingerprint)
where a.fingerprint is not null and a.ended_at > now() - interval '1 day' and not coalesce(e.muted, false)
group by a.release, a.fingerprint, e.first_release, e.regressed, e.message order by a.release desc, attempts desc limit 50;
