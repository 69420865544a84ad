-- Rights that web and worker need and that the role lacks, as findings.
select 'broken', format('The role %s may not %s.', current_user, n.what), 'Run the program as the role that migrates, or grant it this right.'
from (
    select 'use schema ' || s.nspname as what, has_schema_privilege(s.oid, 'usage') as ok
    from pg_namespace s where s.nspname in ('jobs', 'work', 'river')
    union all
    select lower(p) || ' in ' || c.oid::regclass, has_table_privilege(c.oid, p)
    from pg_class c join pg_namespace s on s.oid = c.relnamespace, unnest('{SELECT,INSERT,UPDATE,DELETE}'::text[]) as p
    where s.nspname in ('river', 'work') and c.relkind = 'r' and c.relname not in ('migration', 'river_migration')
    union all
    select 'call ' || s.nspname || '.' || f.proname, has_function_privilege(f.oid, 'execute')
    from pg_proc f join pg_namespace s on s.oid = f.pronamespace
    where s.nspname = 'jobs' or s.nspname = 'pg_catalog' and f.proname in ('pg_try_advisory_lock', 'pg_advisory_lock', 'pg_advisory_unlock', 'pg_notify')
    union all
    select 'read jobs.' || c.relname, has_table_privilege(c.oid, 'SELECT')
    from pg_class c join pg_namespace s on s.oid = c.relnamespace where s.nspname = 'jobs' and c.relkind = 'v') n
where not n.ok order by n.what
