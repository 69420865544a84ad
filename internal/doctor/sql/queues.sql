-- Queues that are paused, and queues in which jobs wait that no live worker takes, as findings.
select case when paused then 'warning' else 'broken' end,
    case when paused then format('Queue %s is paused since %s%s%s; %s jobs wait in it.', queue, to_char(paused_at, 'YYYY-MM-DD HH24:MI TZ'),
            ' by ' || paused_by, ' (' || paused_reason || ')', available)
        else format('%s jobs wait in queue %s, which no live worker takes.', available, queue) end,
    case when paused then format('select * from jobs.resume(%L, ''why'');', queue) else 'Start a worker that takes it, or cancel its jobs.' end
from jobs.queue where paused or available > 0 and workers = 0 and exists (select from jobs.worker where alive and not draining)
order by queue
