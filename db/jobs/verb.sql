-- The verbs on jobs. With one id, each raises an error if it cannot act. With an array of ids, it acts on those that it may and
-- returns the result for each. jobs.becomes defines what they change, jobs.judge what they refuse.

create function jobs.retry(job_ids bigint[], reason text default null)
returns table (id bigint, state text, changed boolean, note text, code text)
language sql set search_path = pg_catalog, pg_temp as $$
    select a.* from jobs.act('retry', job_ids, reason) a
$$;
comment on function jobs.retry(bigint[], text) is 'Makes a job run again now, however it ended; a job without attempts left gets one more. Like River''s JobRetry, and also wakes a worker. Acts on each of job_ids that it may change, and returns for each id whether it changed and if not why, as a code (see jobs.may) and a sentence. jobs.undo can undo it for ten minutes. The reason goes to jobs.audit. As in: select * from jobs.retry(array(select id from jobs.job where kind = ''send_invoice'' and state = ''discarded''), ''why'').';

create function jobs.retry(job_id bigint, reason text default null)
returns table (id bigint, state text, changed boolean, note text, code text)
language sql set search_path = pg_catalog, pg_temp as $$
    select a.* from jobs.act('retry', array[job_id], reason) a where jobs.insist(a.changed, a.code, a.note)
$$;
comment on function jobs.retry(bigint, text) is 'Makes a job run again now, however it ended; a job without attempts left gets one more. Like River''s JobRetry, and also wakes a worker. Acts on the job job_id, or raises an error that says why it cannot act. jobs.undo can undo it for ten minutes. The reason goes to jobs.audit.';

create function jobs.cancel(job_ids bigint[], reason text default null)
returns table (id bigint, state text, changed boolean, note text, code text)
language sql set search_path = pg_catalog, pg_temp as $$
    select a.* from jobs.act('cancel', job_ids, reason) a
$$;
comment on function jobs.cancel(bigint[], text) is 'Cancels a job that is not finished. A running job is told to stop, and is cancelled once it has stopped. Like River''s JobCancel. Acts on each of job_ids that it may change, and returns for each id whether it changed and if not why, as a code (see jobs.may) and a sentence. jobs.undo can undo it for ten minutes. The reason goes to jobs.audit. As in: select * from jobs.cancel(array(select id from jobs.job where kind = ''send_invoice'' and state = ''available''), ''why'').';

create function jobs.cancel(job_id bigint, reason text default null)
returns table (id bigint, state text, changed boolean, note text, code text)
language sql set search_path = pg_catalog, pg_temp as $$
    select a.* from jobs.act('cancel', array[job_id], reason) a where jobs.insist(a.changed, a.code, a.note)
$$;
comment on function jobs.cancel(bigint, text) is 'Cancels a job that is not finished. A running job is told to stop, and is cancelled once it has stopped. Like River''s JobCancel. Acts on the job job_id, or raises an error that says why it cannot act. jobs.undo can undo it for ten minutes. The reason goes to jobs.audit.';

create function jobs.discard(job_ids bigint[], reason text default null)
returns table (id bigint, state text, changed boolean, note text, code text)
language sql set search_path = pg_catalog, pg_temp as $$
    select a.* from jobs.act('discard', job_ids, reason) a
$$;
comment on function jobs.discard(bigint[], text) is 'Discards a waiting job, as if its last attempt had failed. Acts on each of job_ids that it may change, and returns for each id whether it changed and if not why, as a code (see jobs.may) and a sentence. jobs.undo can undo it for ten minutes. The reason goes to jobs.audit. As in: select * from jobs.discard(array(select id from jobs.job where kind = ''send_invoice'' and state = ''retryable''), ''why'').';

create function jobs.discard(job_id bigint, reason text default null)
returns table (id bigint, state text, changed boolean, note text, code text)
language sql set search_path = pg_catalog, pg_temp as $$
    select a.* from jobs.act('discard', array[job_id], reason) a where jobs.insist(a.changed, a.code, a.note)
$$;
comment on function jobs.discard(bigint, text) is 'Discards a waiting job, as if its last attempt had failed. Acts on the job job_id, or raises an error that says why it cannot act. jobs.undo can undo it for ten minutes. The reason goes to jobs.audit.';

create function jobs.delete(job_ids bigint[], reason text default null)
returns table (id bigint, state text, changed boolean, note text, code text)
language sql set search_path = pg_catalog, pg_temp as $$
    select a.* from jobs.act('delete', job_ids, reason) a
$$;
comment on function jobs.delete(bigint[], text) is 'Deletes a job that is not running. Like River''s JobDelete. Cannot be undone. Acts on each of job_ids that it may change, and returns for each id whether it changed and if not why, as a code (see jobs.may) and a sentence. The reason goes to jobs.audit. As in: select * from jobs.delete(array(select id from jobs.job where kind = ''send_invoice'' and state = ''discarded''), ''why'').';

create function jobs.delete(job_id bigint, reason text default null)
returns table (id bigint, state text, changed boolean, note text, code text)
language sql set search_path = pg_catalog, pg_temp as $$
    select a.* from jobs.act('delete', array[job_id], reason) a where jobs.insist(a.changed, a.code, a.note)
$$;
comment on function jobs.delete(bigint, text) is 'Deletes a job that is not running. Like River''s JobDelete. Cannot be undone. Acts on the job job_id, or raises an error that says why it cannot act. The reason goes to jobs.audit.';

create function jobs.run_now(job_ids bigint[], reason text default null)
returns table (id bigint, state text, changed boolean, note text, code text)
language sql set search_path = pg_catalog, pg_temp as $$
    select a.* from jobs.act('run_now', job_ids, reason) a
$$;
comment on function jobs.run_now(bigint[], text) is 'Makes a scheduled, retryable or pending job run now. Its attempts stay as they are. Acts on each of job_ids that it may change, and returns for each id whether it changed and if not why, as a code (see jobs.may) and a sentence. jobs.undo can undo it for ten minutes. The reason goes to jobs.audit. As in: select * from jobs.run_now(array(select id from jobs.job where kind = ''send_invoice'' and state = ''scheduled''), ''why'').';

create function jobs.run_now(job_id bigint, reason text default null)
returns table (id bigint, state text, changed boolean, note text, code text)
language sql set search_path = pg_catalog, pg_temp as $$
    select a.* from jobs.act('run_now', array[job_id], reason) a where jobs.insist(a.changed, a.code, a.note)
$$;
comment on function jobs.run_now(bigint, text) is 'Makes a scheduled, retryable or pending job run now. Its attempts stay as they are. Acts on the job job_id, or raises an error that says why it cannot act. jobs.undo can undo it for ten minutes. The reason goes to jobs.audit.';

create function jobs.time_to_come(until timestamptz) returns timestamptz
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
    if until is null or not isfinite(until) or until <= now() or until > timestamptz '9999-12-31 23:59:59.999999Z' then
        raise exception 'until must be in the future and before the year 10000, not %.', coalesce(until::text, 'null') using errcode = '22023';
    end if;
    return until;
end $$;
comment on function jobs.time_to_come is 'Returns until. Raises an error with SQLSTATE 22023 unless it is in the future and can be stored.';

create function jobs.snooze(job_ids bigint[], until timestamptz, reason text default null)
returns table (id bigint, state text, changed boolean, note text, code text)
language sql set search_path = pg_catalog, pg_temp as $$
    select a.* from jobs.act('snooze', job_ids, reason, jobs.time_to_come(until)) a
$$;
comment on function jobs.snooze(bigint[], timestamptz, text) is 'Snoozes a waiting job until a later time. Its attempts stay as they are. Leaves the job as River''s JobSnooze does. Acts on each of job_ids that it may change, and returns for each id whether it changed and if not why, as a code (see jobs.may) and a sentence. jobs.undo can undo it for ten minutes. The reason goes to jobs.audit. As in: select * from jobs.snooze(array(select id from jobs.job where kind = ''send_invoice'' and state = ''available''), now() + interval ''1 h'', ''why'').';

create function jobs.snooze(job_id bigint, until timestamptz, reason text default null)
returns table (id bigint, state text, changed boolean, note text, code text)
language sql set search_path = pg_catalog, pg_temp as $$
    select a.* from jobs.act('snooze', array[job_id], reason, jobs.time_to_come(until)) a where jobs.insist(a.changed, a.code, a.note)
$$;
comment on function jobs.snooze(bigint, timestamptz, text) is 'Snoozes a waiting job until a later time. Its attempts stay as they are. Leaves the job as River''s JobSnooze does. Acts on the job job_id, or raises an error that says why it cannot act. jobs.undo can undo it for ten minutes. The reason goes to jobs.audit.';
