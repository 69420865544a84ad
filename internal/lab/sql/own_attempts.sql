-- The ended attempts of its jobs. They are recorded in batches, within a second, and kept for a day.
select a.job_id, a.attempt, a.outcome, a.code, w.process, a.due_at, a.started_at, a.ended_at
from jobs.attempt a left join jobs.worker w on w.worker = a.worker
where a.job_id = any(@jobs) order by a.job_id, a.attempt, a.ended_at
