-- jobs.release: the releases that have run.

create view jobs.release as
select r.name as release, r.first_seen_at,
       (select count(*) from jobs.live w where w.release = r.name) as workers
from work.release r
left join (select) readonly on true;

comment on view jobs.release is 'Every release that has run on this database, to mark on charts.';
comment on column jobs.release.release is 'Its name, as in jobs.worker.release.';
comment on column jobs.release.first_seen_at is 'When its first process started.';
comment on column jobs.release.workers is 'Live workers that run it now.';
