-- jobs.audit: the acts of operators.

create view jobs.audit as
select a.id, a.at, a.who, a.act, a.job_id, a.queue, a.worker, a.fingerprint, a.reason, a.before, a.after,
       a.role, a.application, a.xid,
       coalesce(a.jobs, case when a.job_id is not null then 1 end) as jobs, a.undoes,
       case when a.undo_until = 'infinity' then case when b.undo_until <> 'infinity' then b.undo_until else now() + interval '10 minutes' end
            else a.undo_until end as undo_until,
       a.bulk_id
from work.audit a
left join work.bulk b on b.id = a.bulk_id
left join (select) readonly on true;

comment on view jobs.audit is 'Every act that changed something in the last 400 days: one row for all jobs that it changed, or for each queue, worker or error. jobs.audit_of(4711) returns the acts on one job. Name yourself with: set jobs.who = ''anna@example.com''.';
comment on column jobs.audit.id is 'The entry''s number; a later entry has a higher one.';
comment on column jobs.audit.at is 'When: the start of its transaction.';
comment on column jobs.audit.who is 'Who: the setting jobs.who, or otherwise the database role and the program''s name.';
comment on column jobs.audit.act is 'The act: enqueue (if a reason was given), retry, cancel, discard, delete, run_now, snooze, undo, copy, pause, resume, drain, undrain, mute, unmute, resolve, set_wait_target, clear_wait_target, set_scale, set_scale_mode, save_view or delete_view; or start_bulk, confirm_bulk, cancel_bulk or undo_bulk on a bulk act, whose changes of jobs are entries of their own.';
comment on column jobs.audit.job_id is 'The job, if the act changed one; jobs counts several.';
comment on column jobs.audit.queue is 'The queue, if the act was on one. An act on all queues writes an entry for each that it changed.';
comment on column jobs.audit.worker is 'The worker, if the act was on one.';
comment on column jobs.audit.fingerprint is 'The error, if the act was on one.';
comment on column jobs.audit.reason is 'The reason, if one was given.';
comment on column jobs.audit.before is 'The values before the act. For several jobs: how many were in each state and of each kind.';
comment on column jobs.audit.after is 'The values after the act; null if nothing is left.';
comment on column jobs.audit.role is 'The database role that acted, even if who names another.';
comment on column jobs.audit.application is 'The application_name of its connection.';
comment on column jobs.audit.xid is 'The transaction: acts with the same number were one transaction.';
comment on column jobs.audit.jobs is 'How many jobs it changed or added; null if the act was not on jobs.';
comment on column jobs.audit.undoes is 'The entry that this act undid: jobs.undo.';
comment on column jobs.audit.undo_until is 'Until when jobs.undo can undo it; null if it cannot. While a bulk act is unfinished this moves on.';
comment on column jobs.audit.bulk_id is 'The bulk act that it belongs to, as in jobs.bulk.';

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
comment on function jobs.audit_of is 'The entries of jobs.audit that concern the job job_id, alone or among others, oldest first.';
