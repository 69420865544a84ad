-- name: LabEndSilent :exec
-- Ends a run whose process has died.
update lab_run set ended_at = now(), problem = @problem
where ended_at is null and seen_at < now() - interval '10 s';

-- name: LabInsert :execrows
-- Inserts nothing while another experiment runs.
insert into lab_run (id, experiment, reader_id, started_by) values (@id, @experiment, @reader_id, @started_by)
on conflict do nothing;

-- name: LabRunning :one
select * from lab_run where ended_at is null;

-- name: LabGet :one
select sqlc.embed(lab_run), (ended_at is null and seen_at < now() - interval '10 s')::bool as silent
from lab_run where id = @id and started_at > now() - interval '7 days';

-- name: LabShow :exec
update lab_run set doing = @doing, result = @result, seen_at = now() where id = @id and ended_at is null;

-- name: LabSeen :exec
update lab_run set seen_at = now() where id = @id and ended_at is null;

-- name: LabEnd :exec
update lab_run set ended_at = now(), doing = '', problem = @problem, result = @result where id = @id and ended_at is null;

-- name: LabPrune :exec
delete from lab_run where started_at < now() - interval '7 days' and (ended_at is not null or seen_at < now() - interval '1 day');

-- name: LabRequestInsert :exec
-- The times are by the database's clock.
insert into lab_request (run_id, side, request_id, started_at, ended_at, status, steps)
values (@run_id, @side, @request_id, @started_at, @ended_at, @status, @steps);

-- name: LabClock :one
select clock_timestamp()::timestamptz;

-- name: LabEffectInsert :exec
insert into lab_effect (run_id, part, what, item, job_id, attempt, worker)
values (@run_id, @part, @what, @item, @job_id, @attempt, @worker);

-- name: LabNoted :one
select exists (select from lab_effect where run_id = @run_id and part = @part and what = @what);

-- name: LabSomeReader :one
-- A reader on whose account experiments work where no reader is signed in.
select r.id, r.name from reader r where exists (select from rating t where t.reader_id = r.id)
order by r.id limit 1;
