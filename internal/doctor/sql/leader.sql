-- The process that leads, as a finding.
select case when status = 'ok' then 'ok' else 'warning' end,
    case when status = 'ok' then format('The %s.', detail)
        else 'No process leads: finished jobs and unused queues are not deleted. Everything else continues.' end,
    case when status <> 'ok' then 'A worker or web process should lead within 15 s of its start.' end
from jobs.health where area = 'service' and name = 'leader'
