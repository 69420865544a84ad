-- One reader's jobs: those with the reader in their arguments, their attempts, and the other effects of the same requests.
-- psql "$DATABASE_URL" -v reader=7 -f db/reports/reader.sql        heroku pg:psql -f db/reports/reader.sql (reader 1)
\if :{?reader}
\else
    \set reader 1
\endif
\echo
\echo 'Jobs of reader' :reader
select id, kind, queue, state, attempt, enqueued_at, wait, run, coalesce(last_error, why_waiting) as why, request_id
from jobs.search(jsonb_build_object('reader_id', :reader)) order by id desc limit 50;

\echo 'Their attempts of the last day'
select a.job_id, a.kind, a.attempt, a.outcome, a.started_at, a.wait, a.run, a.error
from jobs.attempt a
where a.job_id = any (array(select id from jobs.search(jsonb_build_object('reader_id', :reader))))
order by a.started_at desc limit 50;

\echo 'Everything that the same requests caused'
select r.started_at, r.method, r.route, r.status, r.took, a.kind, a.job_id, a.outcome, a.wait, a.run
from jobs.request r join jobs.attempt a on a.request_id = r.id
where r.id = any (array(select request_id from jobs.search(jsonb_build_object('reader_id', :reader))))
order by r.started_at desc, a.started_at limit 50;
