-- The connection budget: the clients that hold connections to this database, and how many connections are left.
-- psql "$DATABASE_URL" -f db/reports/connections.sql        heroku pg:psql -f db/reports/connections.sql
\echo
\echo 'Connections in use, by client (each worker process has one with its own name, to listen)'
select name, value as connections, detail, status, since as oldest from jobs.health where area = 'connections' order by value desc;

\echo 'The limits'
select current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int as server,
       nullif(rolconnlimit, -1) as role, (select nullif(datconnlimit, -1) from pg_database where datname = current_database()) as database
from pg_roles where rolname = current_user;

\echo 'Worker processes and their slots'
select process, release, slots, running, started_at from jobs.worker where alive order by process;

\echo 'Idle in a transaction, the oldest first: each holds a connection and keeps vacuum from removing rows'
select pid, application_name, state, now() - xact_start as in_transaction, now() - state_change as idle, left(query, 60) as last_statement
from pg_stat_activity where datname = current_database() and state like 'idle in transaction%' order by xact_start limit 20;
