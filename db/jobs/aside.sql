-- jobs.aside: what is left out of wait targets, findings and the error inbox.

create view jobs.aside as
select k.kind, q.queue
from work.kind k
cross join lateral jsonb_array_elements_text(case jsonb_typeof(k.opts -> 'aside') when 'array' then k.opts -> 'aside' else '[]' end) as q (queue)
where k.opts ? 'aside'; -- lets Postgres expect few rows, where it would otherwise plan for a hundred of each kind

comment on view jobs.aside is 'The kinds, and the queues that only their jobs use, that are left out of jobs.wait_target, jobs.finding and the inbox of errors (jobs.error.aside): experiments, for instance, which fail on purpose. A kind''s args declare it (work.ArgsAside).';
comment on column jobs.aside.kind is 'The kind.';
comment on column jobs.aside.queue is 'A queue of its jobs.';
