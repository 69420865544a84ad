-- The findings of jobs.health about tables, indexes, snapshots, connections and notices. Services have checks of their own.
select case status when 'bad' then 'broken' else 'warning' end,
    format('%s %s: %s %s (%s).', initcap(area), name, value, unit, rtrim(detail, '.')), advice
from jobs.health where status <> 'ok' and area <> 'service'
union all
select 'ok', format('Connections: %s.', detail), null from jobs.health where area = 'connections' and name = 'all' and status = 'ok'
