-- Writes an attempt that another process may write too, unless its row exists. The job and the time of its fetch identify it. The
-- arguments are named like the columns.
insert into work.attempt (job_id, attempt, kind, queue, outcome, worker, release, request_id, parent_id,
    due_at, started_at, ended_at, error, code, trace, fingerprint, steps)
select @job_id, @attempt, @kind, @queue, @outcome, @worker, @release, @request_id, @parent_id,
    @due_at, @started_at, @ended_at, @error, @code, @trace, @fingerprint, @steps
where not exists (select from work.attempt where job_id = @job_id and started_at = @started_at)
