-- What the demo load sets up once, as an operator would: @paused is the queue to pause, @drained the worker to drain.
select set_config('jobs.who', 'the demo load', true);
select jobs.pause(@paused::text, 'the distributor''s server is down until tonight');
select jobs.drain(@drained::text, 'its machine is about to be replaced');
select jobs.enqueue('print_label', format('{"order_id": "A-%s"}', n)::json) from generate_series(1017, 1019) n;
select jobs.cancel(array_agg(id), 'these months have no orders')
from (select id from jobs.job where kind = 'nightly_report' and state = 'scheduled' order by scheduled_at desc limit 2) j;
select jobs.snooze(id, now() + interval '1 day', 'the accountant is away until tomorrow')
from (select id from jobs.job where kind = 'nightly_report' and state = 'scheduled' order by scheduled_at limit 1) j;
-- The runs of two of these are overdue by hours, as after an outage: a process finds that in a second, and what to do about it.
insert into work.schedule (name, kind, args, opts, spec, zone, words, missed, next_at, dirty, paused_at, paused_by, paused_reason)
select name, kind, args::json, opts::jsonb, spec, zone, '', missed, date_trunc('minute', now() - late::interval), dirty, paused_at,
       case when paused_at is not null then 'the demo load' end, reason
from (values
    ('sync warehouse 1', 'sync_stock', '{"warehouse":1}', '{"queue": "stock", "unique": {"args": true}}', 'every 30s', 'UTC', 'skip', '0', true, null::timestamptz, null),
    ('monthly accounts', 'nightly_report', '{"month":"2026-10","seconds":20}', '{"queue": "reports"}', '0 2 1 * *', 'Europe/Berlin', 'once', '0', true, null, null),
    ('catalogue feed', 'import_feed', '{"file":"nightly.onix","seconds":5}', '{"queue": "imports"}', 'every 1h', 'UTC', 'once', '4 hours', false, null, null),
    ('price check', 'reprice_title', '{"isbn":"9780000000017"}', '{"queue": "search"}', to_char((now() - interval '2 hours') at time zone 'UTC', 'FMMI FMHH24 * * *'), 'UTC', 'skip', '26 hours', false, null, null),
    ('shelf count', 'count_shelf', '{"shelf":"all"}', '{}', '61 4 * * *', 'UTC', 'once', '0', true, null, null),
    ('order archive', 'archive_order', '{"order_id":1}', '{}', 'every 6h', 'UTC', 'skip', '0', true, now(), 'until the archive has a worker')
) as s (name, kind, args, opts, spec, zone, missed, late, dirty, paused_at, reason);
