-- The orders that were taken in one transaction: is the row there, and is the job?
select n as item, e.id is not null as row, j.id is not null as job
from generate_series(1, @orders) as n
left join lab_effect e on e.run_id = @run and e.part = 'together' and e.item = n
left join jobs.job j on j.kind = 'lab_order' and j.args ->> 'run' = @run and j.args ->> 'item' = n::text
order by n
