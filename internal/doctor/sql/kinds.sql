-- Kinds of which jobs wait and that no live worker knows, as findings.
select 'broken', format('%s jobs of kind %s wait, which no live worker knows.', available, kind), 'Start a worker of a release that knows it, or cancel them.'
from jobs.kind where available > 0 and workers = 0 and exists (select from jobs.worker where alive and not draining) order by kind
