-- Returns the seconds until the next waiting job comes due, and until the next schedule does, whether a bulk act waits for a
-- process, and whether it is time to find what needs attention. The seconds are limited to an hour before or after now, since a time may
-- be infinite, or null, which means never. Every process runs this every second, workers as a part of their heartbeat: it reads three
-- small tables, and the first entries of an index (up to the first job that is not pending).
select extract(epoch from greatest(now() - interval '1 h', least(now() + interval '1 h', coalesce(
           (select min(scheduled_at) from river.river_job where state in ('retryable', 'scheduled')), 'infinity'))) - now())::float8,
       extract(epoch from greatest(now() - interval '1 h', least(now() + interval '1 h', coalesce(
           (select min(case when dirty or unchecked then now() else next_at end) from work.schedule
            where paused_at is null and retired_at is null), 'infinity'))) - now())::float8,
       exists (select from work.bulk where state in ('waiting', 'running') and (lease_until is null or lease_until <= now())),
       exists (select from work.finding where at <= now() - greatest(interval '5 s', 20 * took))
