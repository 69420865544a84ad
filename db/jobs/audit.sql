-- jobs.audit: who did what.

create view jobs.audit as
select a.id, a.at, a.who, a.act, a.job_id, a.queue, a.worker, a.fingerprint, a.reason, a.before, a.after,
       a.role, a.application, a.xid
from work.audit a
left join (select) readonly on true;

comment on view jobs.audit is 'Every act that changed something: one row for each job, queue, worker or error that it changed, for 400 days. Name yourself with: set jobs.who = ''anna@example.com''.';
comment on column jobs.audit.id is 'Number of the entry, rising.';
comment on column jobs.audit.at is 'When: the beginning of its transaction.';
comment on column jobs.audit.who is 'Who: the setting jobs.who, or else the database role and the program''s name.';
comment on column jobs.audit.act is 'What: enqueue (if a reason was given), retry, cancel, discard, delete, run_now, pause, resume, drain, undrain, mute, unmute or resolve.';
comment on column jobs.audit.job_id is 'The job, if it was done to one.';
comment on column jobs.audit.queue is 'The queue, if it was done to one; * means all.';
comment on column jobs.audit.worker is 'The worker, if it was done to one.';
comment on column jobs.audit.fingerprint is 'The error, if it was done to one.';
comment on column jobs.audit.reason is 'Why, if they said so.';
comment on column jobs.audit.before is 'What the act changed, as it was.';
comment on column jobs.audit.after is 'The same, as it was afterwards; null if nothing is left.';
comment on column jobs.audit.role is 'The database role that did it, whatever "who" says.';
comment on column jobs.audit.application is 'The application_name of its connection.';
comment on column jobs.audit.xid is 'The transaction: what was done at once has one number.';
