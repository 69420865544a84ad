-- The orders whose job went to the queue beside the database: is the row there, and is the job?
select n as item, e.id is not null as row, n = any(@queued::bigint[]) as job
from generate_series(1, @orders) as n
left join lab_effect e on e.run_id = @run and e.part = 'beside' and e.item = n
order by n
