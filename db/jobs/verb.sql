-- The verbs on jobs. Each takes one id, and raises an error where nothing can be done; or the ids of a query, and then it does
-- what can be done and says of each id what became of it. What they do is in jobs.becomes, what they refuse in jobs.judge.

create function jobs.retry(job_ids bigint[], reason text default null)
returns table (id bigint, state text, changed boolean, note text, code text)
language sql set search_path = pg_catalog, pg_temp as $$
    select a.* from jobs.act('retry', job_ids, reason) a
$$;
comment on function jobs.retry(bigint[], text) is 'Makes a job run again, now, whatever became of it; one that has used up its attempts is allowed one more. As River''s JobRetry, and a worker is told at once. Acts on all of job_ids that it may, and says of each id whether it changed and if not why, as a code (jobs.may lists them) and a sentence. jobs.undo takes it back for ten minutes. The reason goes to jobs.audit. As in: select * from jobs.retry(array(select id from jobs.job where kind = ''send_invoice'' and state = ''discarded''), ''why'').';

create function jobs.retry(job_id bigint, reason text default null)
returns table (id bigint, state text, changed boolean, note text, code text)
language sql set search_path = pg_catalog, pg_temp as $$
    select a.* from jobs.act('retry', array[job_id], reason) a where jobs.insist(a.changed, a.code, a.note)
$$;
comment on function jobs.retry(bigint, text) is 'Makes a job run again, now, whatever became of it; one that has used up its attempts is allowed one more. As River''s JobRetry, and a worker is told at once. Acts on the job job_id, or raises an error that says why it cannot. jobs.undo takes it back for ten minutes. The reason goes to jobs.audit.';

create function jobs.cancel(job_ids bigint[], reason text default null)
returns table (id bigint, state text, changed boolean, note text, code text)
language sql set search_path = pg_catalog, pg_temp as $$
    select a.* from jobs.act('cancel', job_ids, reason) a
$$;
comment on function jobs.cancel(bigint[], text) is 'Cancels a job that is not finished. One that runs is told to stop, and is cancelled once it has. As River''s JobCancel. Acts on all of job_ids that it may, and says of each id whether it changed and if not why, as a code (jobs.may lists them) and a sentence. jobs.undo takes it back for ten minutes. The reason goes to jobs.audit. As in: select * from jobs.cancel(array(select id from jobs.job where kind = ''send_invoice'' and state = ''available''), ''why'').';

create function jobs.cancel(job_id bigint, reason text default null)
returns table (id bigint, state text, changed boolean, note text, code text)
language sql set search_path = pg_catalog, pg_temp as $$
    select a.* from jobs.act('cancel', array[job_id], reason) a where jobs.insist(a.changed, a.code, a.note)
$$;
comment on function jobs.cancel(bigint, text) is 'Cancels a job that is not finished. One that runs is told to stop, and is cancelled once it has. As River''s JobCancel. Acts on the job job_id, or raises an error that says why it cannot. jobs.undo takes it back for ten minutes. The reason goes to jobs.audit.';

create function jobs.discard(job_ids bigint[], reason text default null)
returns table (id bigint, state text, changed boolean, note text, code text)
language sql set search_path = pg_catalog, pg_temp as $$
    select a.* from jobs.act('discard', job_ids, reason) a
$$;
comment on function jobs.discard(bigint[], text) is 'Gives a job up for good that neither runs nor is finished. Acts on all of job_ids that it may, and says of each id whether it changed and if not why, as a code (jobs.may lists them) and a sentence. jobs.undo takes it back for ten minutes. The reason goes to jobs.audit. As in: select * from jobs.discard(array(select id from jobs.job where kind = ''send_invoice'' and state = ''retryable''), ''why'').';

create function jobs.discard(job_id bigint, reason text default null)
returns table (id bigint, state text, changed boolean, note text, code text)
language sql set search_path = pg_catalog, pg_temp as $$
    select a.* from jobs.act('discard', array[job_id], reason) a where jobs.insist(a.changed, a.code, a.note)
$$;
comment on function jobs.discard(bigint, text) is 'Gives a job up for good that neither runs nor is finished. Acts on the job job_id, or raises an error that says why it cannot. jobs.undo takes it back for ten minutes. The reason goes to jobs.audit.';

create function jobs.delete(job_ids bigint[], reason text default null)
returns table (id bigint, state text, changed boolean, note text, code text)
language sql set search_path = pg_catalog, pg_temp as $$
    select a.* from jobs.act('delete', job_ids, reason) a
$$;
comment on function jobs.delete(bigint[], text) is 'Deletes a job that does not run. As River''s JobDelete. It cannot be undone. Acts on all of job_ids that it may, and says of each id whether it changed and if not why, as a code (jobs.may lists them) and a sentence. The reason goes to jobs.audit. As in: select * from jobs.delete(array(select id from jobs.job where kind = ''send_invoice'' and state = ''discarded''), ''why'').';

create function jobs.delete(job_id bigint, reason text default null)
returns table (id bigint, state text, changed boolean, note text, code text)
language sql set search_path = pg_catalog, pg_temp as $$
    select a.* from jobs.act('delete', array[job_id], reason) a where jobs.insist(a.changed, a.code, a.note)
$$;
comment on function jobs.delete(bigint, text) is 'Deletes a job that does not run. As River''s JobDelete. It cannot be undone. Acts on the job job_id, or raises an error that says why it cannot. The reason goes to jobs.audit.';

create function jobs.run_now(job_ids bigint[], reason text default null)
returns table (id bigint, state text, changed boolean, note text, code text)
language sql set search_path = pg_catalog, pg_temp as $$
    select a.* from jobs.act('run_now', job_ids, reason) a
$$;
comment on function jobs.run_now(bigint[], text) is 'Makes a job run now that is scheduled for later, waits for its next try or is pending. Its attempts stay as they are. Acts on all of job_ids that it may, and says of each id whether it changed and if not why, as a code (jobs.may lists them) and a sentence. jobs.undo takes it back for ten minutes. The reason goes to jobs.audit. As in: select * from jobs.run_now(array(select id from jobs.job where kind = ''send_invoice'' and state = ''scheduled''), ''why'').';

create function jobs.run_now(job_id bigint, reason text default null)
returns table (id bigint, state text, changed boolean, note text, code text)
language sql set search_path = pg_catalog, pg_temp as $$
    select a.* from jobs.act('run_now', array[job_id], reason) a where jobs.insist(a.changed, a.code, a.note)
$$;
comment on function jobs.run_now(bigint, text) is 'Makes a job run now that is scheduled for later, waits for its next try or is pending. Its attempts stay as they are. Acts on the job job_id, or raises an error that says why it cannot. jobs.undo takes it back for ten minutes. The reason goes to jobs.audit.';

create function jobs.time_to_come(until timestamptz) returns timestamptz
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
    if until is null or not isfinite(until) or until <= now() or until > timestamptz '9999-12-31 23:59:59.999999Z' then
        raise exception 'until is a time to come, before the year 10000, not %.', coalesce(until::text, 'null') using errcode = '22023';
    end if;
    return until;
end $$;
comment on function jobs.time_to_come is 'The time until itself. Raises an error with SQLSTATE 22023 unless it is to come and can be stored.';

create function jobs.snooze(job_ids bigint[], until timestamptz, reason text default null)
returns table (id bigint, state text, changed boolean, note text, code text)
language sql set search_path = pg_catalog, pg_temp as $$
    select a.* from jobs.act('snooze', job_ids, reason, jobs.time_to_come(until)) a
$$;
comment on function jobs.snooze(bigint[], timestamptz, text) is 'Puts a job off that waits, until a time to come. Its attempts stay as they are. As River''s JobSnooze leaves a job. Acts on all of job_ids that it may, and says of each id whether it changed and if not why, as a code (jobs.may lists them) and a sentence. jobs.undo takes it back for ten minutes. The reason goes to jobs.audit. As in: select * from jobs.snooze(array(select id from jobs.job where kind = ''send_invoice'' and state = ''available''), now() + interval ''1 h'', ''why'').';

create function jobs.snooze(job_id bigint, until timestamptz, reason text default null)
returns table (id bigint, state text, changed boolean, note text, code text)
language sql set search_path = pg_catalog, pg_temp as $$
    select a.* from jobs.act('snooze', array[job_id], reason, jobs.time_to_come(until)) a where jobs.insist(a.changed, a.code, a.note)
$$;
comment on function jobs.snooze(bigint, timestamptz, text) is 'Puts a job off that waits, until a time to come. Its attempts stay as they are. As River''s JobSnooze leaves a job. Acts on the job job_id, or raises an error that says why it cannot. jobs.undo takes it back for ten minutes. The reason goes to jobs.audit.';
