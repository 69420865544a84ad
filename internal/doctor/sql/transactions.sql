-- Transactions that keep vacuum from cleaning up, as findings: those that do nothing, and long ones. @patience: seconds after which one
-- that does nothing counts; one that works counts after five times as long.
select case when xact_start < now() - 60 * @patience * interval '1 s' then 'broken' else 'warning' end,
    format('Process %s (%s) is %s, in a transaction since %s, its last statement began at %s.', pid, coalesce(nullif(application_name, ''), usename),
        state, to_char(xact_start, 'HH24:MI:SS TZ'), to_char(query_start, 'HH24:MI:SS TZ')),
    format('What has died since then cannot be cleaned up. End it: select pg_terminate_backend(%s);', pid)
from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid()
  and (state like 'idle in transaction%' and state_change < now() - @patience * interval '1 s'
       or (backend_xmin is not null or backend_xid is not null) and backend_type = 'client backend'
          and xact_start < now() - 5 * @patience * interval '1 s')
order by xact_start limit 5
