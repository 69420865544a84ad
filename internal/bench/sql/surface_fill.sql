-- Fills a migrated database with the data of a busy system after most of a day: jobs of 20 kinds in the queues mail, slow and bulk, 8 live
-- workers, and as much of their history as is kept. Nothing becomes old enough to be deleted during the measurement. The queue default
-- is for the jobs that are worked meanwhile. In psql: -v finished=100000 -v waiting=1000 -v failed=100 -v attempts=1 -v requests=2, the
-- last two being the number of finished jobs to one attempt and to one request.
insert into work.kind (kind) select 'kind_' || i from generate_series(0, 19) as i;
insert into work.worker (id, dyno, release, slots, lock_key, queues, kinds, seen_at)
select 'w' || i, 'worker.' || i, 'v1', 50, i, '{mail,slow,bulk}', (select array_agg(kind) from work.kind), now() + interval '1 day' from generate_series(1, 8) as i;
insert into work.kind (kind, opts) values ('experiment', '{"aside": ["experiments"]}');
insert into river.river_queue (name, updated_at) select unnest('{default,mail,slow,bulk}'::text[]), now();
insert into river.river_job (kind, queue, state, attempt, max_attempts, args, metadata, created_at, scheduled_at, attempted_at, attempted_by, finalized_at)
select 'kind_' || i % 20, (array['mail', 'slow', 'bulk'])[1 + i % 3], 'completed', 1, 25,
    jsonb_build_object('reader_id', i % 100000, 'no', i), jsonb_build_object('request_id', md5(i::text), 'release', 'v1'),
    t - interval '2 s', t - interval '2 s', t - interval '1 s', array['w' || 1 + i % 8], t
from (select i, now() - interval '20 hours' * (:finished - i) / :finished as t from generate_series(1, :finished) as i) f;
insert into river.river_job (kind, queue, state, max_attempts, args, metadata, scheduled_at, priority)
select 'kind_' || i % 20, (array['mail', 'slow', 'bulk'])[1 + i % 3], case when i % 10 = 0 then 'scheduled' else 'available' end::river.river_job_state, 25,
    jsonb_build_object('reader_id', i % 100000, 'no', -i), jsonb_build_object('request_id', md5((-i)::text)),
    now() + case when i % 10 = 0 then interval '1 day' else make_interval(secs => -i / 1000.0) end, 1 + i % 4
from generate_series(1, :waiting) as i;
insert into river.river_job (kind, queue, state, attempt, max_attempts, args, scheduled_at, attempted_at, attempted_by, finalized_at, errors)
select 'kind_' || i % 20, (array['mail', 'slow', 'bulk'])[1 + i % 3], case when i % 2 = 0 then 'discarded' else 'retryable' end::river.river_job_state, 3, 25,
    jsonb_build_object('reader_id', i % 100000, 'no', i), now() + interval '1 day', now() - interval '10 min', array['w1'],
    case when i % 2 = 0 then now() - make_interval(secs => i) end, array[jsonb_build_object('at', now(), 'attempt', 1, 'error', 'error ' || i % 200, 'trace', '')]
from generate_series(1, :failed) as i;
insert into river.river_job (kind, queue, state, attempt, max_attempts, args, attempted_at, attempted_by)
select 'kind_' || i % 20, (array['mail', 'slow', 'bulk'])[1 + i % 3], 'running', 1, 25, '{}', now() - interval '3 s', array['w' || 1 + i % 8]
from generate_series(1, 400) as i;
insert into work.queue_target (queue, within, share, set_by) values ('mail', '5 s', 0.99, 'anna'), ('slow', '1 min', 0.9, 'anna');
insert into work.minute_release (minute, queue, kind, release, completed, failed, judged, late, wait, run, wait_s, run_s)
select date_trunc('minute', now()) - m * interval '1 min', (array['mail', 'slow', 'bulk'])[1 + k % 3], 'kind_' || k, 'v1', 170, 1, 171, 1,
    array_fill(0, array[4]) || array[100, 50, 21] || array_fill(0, array[19]), array_fill(0, array[6]) || array[100, 50, 21] || array_fill(0, array[17]), 10, 20
from generate_series(0, least(43200, :finished / 100)) as m, generate_series(0, 19) as k where m < 1440 or k < 8;
insert into work.hour
select date_bin('1 h', minute, '2000-01-01Z') as hour, queue, kind, release, sum(completed), sum(failed), 0, 0, 0, 0, sum(judged), sum(late), work.sum(wait), work.sum(run),
    sum(wait_s), sum(run_s)
from work.minute_release where minute < date_bin('1 h', now(), '2000-01-01Z') group by 1, 2, 3, 4;
insert into work.ten_minutes
select date_bin('10 min', minute, '2000-01-01Z') as at, queue, sum(completed), sum(failed), 0, sum(completed + failed), sum(late), sum(judged), work.sum(wait), work.sum(run)
from work.minute_release where minute < date_bin('10 min', now(), '2000-01-01Z') group by 1, 2;
insert into work.rollup values ('hour', date_bin('1 h', now(), '2000-01-01Z')), ('ten_minutes', date_bin('10 min', now(), '2000-01-01Z'));
insert into work.backlog
select queue, date_trunc('minute', now()) - m * interval '1 min', 100, 50, 5
from generate_series(0, least(43200, :finished / 100)) as m, unnest('{"",mail,slow,bulk}'::text[]) as queue;
insert into work.attempt (job_id, attempt, kind, queue, outcome, worker, release, request_id, due_at, started_at, ended_at, error, fingerprint)
select i, 1, 'kind_' || i % 20, 'mail', case when i % 100 = 0 then 'failed' else 'completed' end, 'w1', 'v1', md5(i::text), t - interval '2 s', t - interval '1 s', t,
    case when i % 100 = 0 then 'error' end, case when i % 100 = 0 then 'f' || i / 100 % 200 end
from (select i, now() - interval '20 hours' * (:finished - i) / :finished as t from generate_series(1, :finished, :attempts) as i) f;
insert into work.error select 'f' || i, 'error ' || i, now() - interval '20 days', now(), 'v1', 'v1' from generate_series(0, 199) as i;
insert into work.error_hour select 'f' || i, date_trunc('hour', now()) - h * interval '1 h', 'kind_' || k, 'v1', 3
from generate_series(0, 199) as i, generate_series(0, 700, 7) as h, generate_series(0, 1) as k;
insert into work.request (id, method, route, status, started_at, ended_at, release, process, jobs)
select md5(i::text), 'POST', '/orders', 303, now() - interval '20 hours' * (:finished - i) / :finished, now(), 'v1', 'web.1', array[i]
from generate_series(1, :finished, :requests) as i;
insert into work.release (name) select 'v' || i from generate_series(1, 50) as i;
insert into work.schedule (name, kind, spec, words, missed, next_at, dirty) select 's' || i, 'kind_' || i, 'every 1d', 'every day', 'once', now() + interval '1 day', false from generate_series(0, 19) as i;
insert into work.tick (schedule, due_at, outcome, by) select 's' || i, now() - m * interval '10 min', 'enqueued', 'w1' from generate_series(0, 19) as i, generate_series(1, 4300) as m;
insert into work.audit (act, job_id) select 'retry', i from generate_series(1, 100000) as i;
insert into work.bulk (act, search, highest_id, state, finished_at) select 'retry', 'state:discarded', i, case when i % 100 = 0 then 'grown' else 'done' end, case when i % 100 > 0 then now() end
from generate_series(1, 1000) as i;
insert into work.audit (act, jobs, job_ids, bulk_id) select 'retry', 1000, array[i], 1 + i % 100 from generate_series(1, 10000) as i;
insert into work.view (owner, name, search, shared) select case when i % 10 = 0 then 'anna' else 'o' || i end, 'view ' || i, 'state:discarded', i % 3 = 0 from generate_series(1, 1000) as i;

-- One process type is scaled, and was decided about every five minutes for 90 days.
insert into work.scale_target (process_type, max_wait, min, max, set_by) values ('worker', '30 s', 1, 4, 'bench') on conflict do nothing;
insert into work.scale_state (process_type, quantity, month, hours) values ('worker', 2, date_trunc('month', now())::date, 300) on conflict do nothing;
insert into work.scale_decision (at, process_type, mode, code, sentence, present, want, demand, quantity, inputs, state)
select now() - interval '5 min' * i, 'worker', 'on', 'steady', '2 workers are enough: no job is ready.', 2, 2, 2, 2, '{"kinds": [{"kind": "send"}]}', '{"quantity": 2}'
from generate_series(0, 25919) i;
