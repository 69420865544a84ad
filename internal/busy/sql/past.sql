-- An invented past for the demo load: three releases, and counts of a month. Nothing of it happened: the charts need it, and the load
-- says so when it starts. The last day has a row for each minute, the days before one for each hour.
insert into work.release (name, first_seen_at)
values ('v39', now() - interval '9 days'), ('v40', now() - interval '3 days'), ('v41', now() - interval '20 hours')
on conflict do nothing;
-- wait_at and run_at are the buckets in which most waits and runs lie (bucket i: 2^(i-2) to 2^(i-1) ms). The counts of a histogram are
-- differences of rounded cumulative shares, so that they add up to the number of attempts: element 26 of "upto" is the share up to
-- that bucket, 25 the share up to the bucket before, and so on.
with kind (kind, queue, pace, failing, wait_at, run_at) as (
    values ('fulfil_order', 'orders', 40, 0.002, 4, 5),
           ('charge_card', 'billing', 40, 0.004, 4, 8),
           ('send_invoice', 'billing', 40, 0.003, 4, 7),
           ('deliver_webhook', 'webhooks', 60, 0.06, 5, 8),
           ('index_book', 'search', 200, 0.0, 4, 3),
           ('resize_cover', 'covers', 90, 0.012, 6, 6),
           ('reprice_title', 'search', 25, 0.0, 4, 5),
           ('sync_stock', 'stock', 8, 0.05, 5, 11),
           ('nightly_report', 'reports', 0.5, 0.02, 4, 16)
), span (minute, minutes) as (
    select m, 1 from generate_series(date_trunc('minute', now()) - interval '1 day', date_trunc('minute', now()) - interval '2 minutes', interval '1 minute') m
    union all
    select m, 60 from generate_series(date_trunc('hour', now()) - interval '29 days', date_trunc('hour', now()) - interval '26 hours', interval '1 hour') m
), drawn as materialized ( -- busy in the afternoon, quiet at night and at weekends
    select s.minute, k.*, (k.pace * s.minutes * (0.55 - 0.4 * cos((extract(hour from s.minute) - 3) * pi() / 12))
        * case when extract(isodow from s.minute) >= 6 then 0.6 else 1 end * (0.8 + 0.4 * random()))::int as n
    from kind k cross join span s
), attempts as materialized (
    select *, (n * failing * (0.5 + random()))::int as failed, (n * failing * 0.2 * random())::int as discarded from drawn where n > 0
), shape as materialized (
    select array_fill(0.0::float8, array[23]) || array[0.05, 0.25, 0.65, 0.85, 0.95, 0.99] || array_fill(1.0::float8, array[30]) as upto
), histogram as materialized (
    select n, at, (select array_agg((round(n * upto[26 + i - at]) - round(n * upto[25 + i - at]))::int order by i) from generate_series(1, 26) i) as counts
    from (select n, wait_at as at from attempts union select n, run_at from attempts) a cross join shape
)
insert into work.minute (minute, queue, kind, completed, failed, discarded, wait, run, wait_s, run_s)
select a.minute, a.queue, a.kind, a.n - a.failed - a.discarded, a.failed, a.discarded, w.counts, r.counts,
       a.n * 2 ^ (a.wait_at - 1.5) / 1000, a.n * 2 ^ (a.run_at - 1.5) / 1000
from attempts a
join histogram w on w.n = a.n and w.at = a.wait_at
join histogram r on r.n = a.n and r.at = a.run_at
on conflict do nothing;
