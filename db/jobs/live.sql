-- jobs.live, jobs.takes and jobs.runner: which workers are alive, what each takes, and which of them runs a job.

-- The only definition of alive. 12 s is silentDead in internal/work, after which other processes declare a worker dead.
create view jobs.live as
select w.id as worker, w.release, w.slots, w.queues, w.kinds, w.draining
from work.worker w
left join (select) readonly on true
where w.stopped_at is null and w.dead_at is null and w.seen_at > now() - interval '12 s';

comment on view jobs.live is 'The workers that are alive: each has sent a heartbeat within 12 s, and has neither stopped nor been declared dead. jobs.worker has more about each.';
comment on column jobs.live.worker is 'The worker''s id, as in jobs.worker and jobs.job.worker.';
comment on column jobs.live.release is 'The release that it runs.';
comment on column jobs.live.slots is 'How many jobs it may run at once.';
comment on column jobs.live.queues is 'The queues that it takes jobs from; empty if it does not say.';
comment on column jobs.live.kinds is 'The kinds that it knows; empty if it does not say.';
comment on column jobs.live.draining is 'An operator stopped it taking jobs.';

-- Postgres inlines these bodies, so a call costs a view nothing.
create function jobs.runner(attempted_by text[]) returns text
language sql immutable parallel safe return attempted_by[array_upper(attempted_by, 1)];
comment on function jobs.runner is 'The worker that runs a job or ran it last, from the column attempted_by of River''s table; null before the first attempt.';

create function jobs.takes(queues text[], kinds text[], queue text, kind text) returns boolean
language sql immutable parallel safe
return (queues = '{}' or queue = any (queues) or queue = 'alone') and (kinds = '{}' or kind = any (kinds));
comment on function jobs.takes is 'Whether a worker with these queues and kinds (see jobs.live) takes jobs of this queue and kind. Every worker takes those that run isolated, in queue alone. With kinds ''{}'' it compares only the queue, with queues ''{}'' only the kind.';

create function jobs.placeholder(queue text) returns boolean
language sql immutable parallel safe return queue = 'keeper'; -- maintainerQueue in internal/work
comment on function jobs.placeholder is 'Whether queue is only the queue that River requires of a web process, which takes no jobs.';
