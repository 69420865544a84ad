-- jobs.audit: who did what.

create view jobs.audit as
select a.id, a.at, a.who, a.act, a.job_id, a.queue, a.worker, a.fingerprint, a.reason, a.before, a.after,
       a.role, a.application, a.xid,
       coalesce(a.jobs, case when a.job_id is not null then 1 end) as jobs, a.undoes, a.undo_until
from work.audit a
left join (select) readonly on true;

comment on view jobs.audit is 'Every act that changed something, for 400 days: one row for all the jobs that it changed at once, or for each queue, worker or error. What was done to a job: jobs.audit_of(4711). Name yourself with: set jobs.who = ''anna@example.com''.';
comment on column jobs.audit.id is 'Number of the entry, rising.';
comment on column jobs.audit.at is 'When: the beginning of its transaction.';
comment on column jobs.audit.who is 'Who: the setting jobs.who, or else the database role and the program''s name.';
comment on column jobs.audit.act is 'What: enqueue (if a reason was given), retry, cancel, discard, delete, run_now, snooze, undo, copy, pause, resume, drain, undrain, mute, unmute or resolve.';
comment on column jobs.audit.job_id is 'The job, if it was done to one; several are counted in jobs.';
comment on column jobs.audit.queue is 'The queue, if it was done to one; * means all.';
comment on column jobs.audit.worker is 'The worker, if it was done to one.';
comment on column jobs.audit.fingerprint is 'The error, if it was done to one.';
comment on column jobs.audit.reason is 'Why, if they said so.';
comment on column jobs.audit.before is 'What the act changed, as it was. Of several jobs: how many were in which state and of which kind.';
comment on column jobs.audit.after is 'The same, as it was afterwards; null if nothing is left.';
comment on column jobs.audit.role is 'The database role that did it, whatever "who" says.';
comment on column jobs.audit.application is 'The application_name of its connection.';
comment on column jobs.audit.xid is 'The transaction: what was done at once has one number.';
comment on column jobs.audit.jobs is 'How many jobs it changed or added; null if it was not done to jobs.';
comment on column jobs.audit.undoes is 'The entry that it took back: jobs.undo.';
comment on column jobs.audit.undo_until is 'Until when jobs.undo can take it back; null if it cannot.';

create function jobs.audit_of(job_id bigint) returns setof jobs.audit
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
    return query
    select a.* from jobs.audit a
    where a.id = any (array(
        select w.id from work.audit w where w.job_id = audit_of.job_id
        union all
        select w.id from work.audit w where w.job_ids @> array[audit_of.job_id]))
    order by a.id;
end $$;
comment on function jobs.audit_of is 'What was done to the job job_id, alone or among others: its entries of jobs.audit, oldest first.';
