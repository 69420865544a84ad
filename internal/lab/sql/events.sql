-- What the experiment did to its workers, and what its jobs did: calls to the slow service, and effects in the database.
select e.part, e.what, e.attempt, w.process, e.at
from lab_effect e left join jobs.worker w on w.worker = e.worker
where e.run_id = @run order by e.id
