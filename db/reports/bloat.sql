-- Bloat: dead rows in the tables of the jobs, the size of their indexes, and the sessions that keep vacuum from removing
-- rows.
-- psql "$DATABASE_URL" -f db/reports/bloat.sql        heroku pg:psql -f db/reports/bloat.sql
\echo
\echo 'Tables'
select name, status, value as dead_rows, detail, since as last_vacuum from jobs.health where area = 'table' order by value desc;

\echo 'Indexes of the jobs'
select name, status, pg_size_pretty(value) as size, detail from jobs.health where area = 'index' order by value desc;

\echo 'Sessions that hold the oldest snapshot: rows that died after it cannot be removed'
select name, status, pid, value as transactions, since, detail, advice from jobs.health where area = 'snapshot';

\echo 'Number of rows by state'
select state, count(*) as jobs, min(coalesce(finished_at, enqueued_at)) as oldest from jobs.job group by state order by jobs desc;
