-- The connection budget: who holds connections to this database, and how many are left before nobody gets in.
-- psql "$DATABASE_URL" -f db/reports/connections.sql        heroku pg:psql -f db/reports/connections.sql
\echo
\echo 'Used of the limit, and by whom (worker processes have one named after themselves, to listen)'
select name, value as connections, detail, status, since as oldest from jobs.health where area = 'connections' order by value desc;

\echo 'What the limits are'
select current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int as server,
       nullif(rolconnlimit, -1) as role, (select nullif(datconnlimit, -1) from pg_database where datname = current_database()) as database
from pg_roles where rolname = current_user;

\echo 'Processes that work, and their slots'
select process, release, slots, running, started_at from jobs.worker where alive order by process;

\echo 'In a transaction and idle, the oldest first: each holds a connection and keeps vacuum from cleaning up'
select pid, application_name, state, now() - xact_start as in_transaction, now() - state_change as idle, left(query, 60) as last_statement
from pg_stat_activity where datname = current_database() and state like 'idle in transaction%' order by xact_start limit 20;
