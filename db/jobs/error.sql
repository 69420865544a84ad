-- jobs.error: errors by fingerprint. jobs.error_hour: how often each occurred. The acts on them are in switch.sql.

create view jobs.error as
select e.fingerprint, e.message,
       (select array_agg(distinct h.kind) from work.error_hour h where h.fingerprint = e.fingerprint) as kinds,
       e.first_seen_at, e.last_seen_at, e.first_release, e.last_release,
       (select coalesce(sum(h.attempts), 0) from work.error_hour h
        where h.fingerprint = e.fingerprint and h.hour >= date_trunc('hour', now(), 'UTC')) as this_hour,
       (select coalesce(sum(h.attempts), 0) from work.error_hour h
        where h.fingerprint = e.fingerprint and h.hour > now() - interval '1 day') as last_day,
       (select coalesce(sum(h.attempts), 0) from work.error_hour h where h.fingerprint = e.fingerprint) as last_month,
       (select jsonb_object_agg(to_char(d.hour at time zone 'UTC', 'YYYY-MM-DD"T"HH24":00Z"'), d.attempts)
        from (select h.hour, sum(h.attempts) as attempts from work.error_hour h
              where h.fingerprint = e.fingerprint and h.hour > now() - interval '1 day' group by h.hour) d) as by_hour,
       (select jsonb_object_agg(d.day, d.attempts)
        from (select (h.hour at time zone 'UTC')::date as day, sum(h.attempts) as attempts from work.error_hour h
              where h.fingerprint = e.fingerprint group by 1) d) as by_day,
       (select count(distinct a.job_id)
        from (select job_id from work.attempt a
              where a.fingerprint = e.fingerprint order by a.ended_at desc limit 10000) a) as affected_jobs,
       m.muted,
       case when m.muted then e.muted_at end as muted_at,
       case when m.muted then e.muted_by end as muted_by,
       case when m.muted then e.muted_reason end as muted_reason,
       e.resolved_at, e.resolved_by,
       coalesce(e.last_seen_at > e.resolved_at, false) as regressed,
       case when m.muted then e.muted_until end as muted_until,
       m.muted and e.muted_until_seen as muted_until_seen,
       case when (select exists (select from jobs.aside)) -- elsewhere it costs nothing
            -- One index entry decides nearly all errors; a semi-join would read the whole table.
            then coalesce((select h.kind in (select kind from jobs.aside) from work.error_hour h where h.fingerprint = e.fingerprint limit 1), false)
                and (select true from work.error_hour h
                     where h.fingerprint = e.fingerprint and h.kind not in (select kind from jobs.aside) limit 1) is null
            else false end as aside
from work.error e
cross join lateral (
    select e.muted_at is not null and coalesce(e.muted_until > now(), true) and not (e.muted_until_seen and e.last_seen_at > e.muted_at) as muted) m;

comment on view jobs.error is 'Errors of the last 30 days. Errors that differ only in numbers, ids and the like are one row, with one fingerprint; jobs.attempt has their attempts by it.';
comment on column jobs.error.fingerprint is 'Identifies the error.';
comment on column jobs.error.message is 'The message of the latest attempt that had the error.';
comment on column jobs.error.kinds is 'The kinds of job that had it.';
comment on column jobs.error.first_seen_at is 'When it was first seen.';
comment on column jobs.error.last_seen_at is 'When it was last seen.';
comment on column jobs.error.first_release is 'The release in which it was first seen.';
comment on column jobs.error.last_release is 'The release in which it was last seen.';
comment on column jobs.error.this_hour is 'How many attempts had it in this hour.';
comment on column jobs.error.last_day is 'How many attempts had it in the last 24 hours.';
comment on column jobs.error.last_month is 'How many attempts had it in the last 30 days.';
comment on column jobs.error.by_hour is 'Attempts by hour for the last 24, in UTC, without hours that had none.';
comment on column jobs.error.by_day is 'Attempts by day for the last 30, in UTC, without days that had none.';
comment on column jobs.error.affected_jobs is 'How many jobs had it within a day, counted over its latest 10,000 attempts.';
comment on column jobs.error.muted is 'An operator muted it, and that has not ended: jobs.mute.';
comment on column jobs.error.muted_at is 'Since when.';
comment on column jobs.error.muted_by is 'Who muted it.';
comment on column jobs.error.muted_reason is 'Why it was muted.';
comment on column jobs.error.resolved_at is 'When an operator marked it as fixed: jobs.resolve.';
comment on column jobs.error.resolved_by is 'Who marked it.';
comment on column jobs.error.regressed is 'It was seen again after it was marked as fixed.';
comment on column jobs.error.muted_until is 'Until when it is muted; null if at no set time.';
comment on column jobs.error.aside is 'Only kinds had it that are left out of the inbox: see jobs.aside.';
comment on column jobs.error.muted_until_seen is 'It is muted until it is seen again.';

create view jobs.error_hour as
select h.fingerprint, h.hour, h.kind, h.release, h.attempts
from work.error_hour h
left join (select) readonly on true;

comment on view jobs.error_hour is 'How many attempts had each error, by hour, kind and release, for 30 days. Fast by fingerprint and hour.';
comment on column jobs.error_hour.fingerprint is 'The error: see jobs.error.';
comment on column jobs.error_hour.hour is 'The start of the hour.';
comment on column jobs.error_hour.kind is 'The kind of the jobs.';
comment on column jobs.error_hour.release is 'The release of the workers.';
comment on column jobs.error_hour.attempts is 'How many attempts had it.';
