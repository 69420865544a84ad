-- Tells in how many seconds the next job comes due that was put off, and the next schedule: an hour at most either way, since a time
-- may be infinite, or null, which is never. It is asked for every second by every process: it reads a small table, and the first
-- entries of an index, as many as there are pending jobs before the first other.
select extract(epoch from greatest(now() - interval '1 h', least(now() + interval '1 h', coalesce(
           (select min(scheduled_at) from river.river_job where state in ('retryable', 'scheduled')), 'infinity'))) - now())::float8,
       extract(epoch from greatest(now() - interval '1 h', least(now() + interval '1 h', coalesce(
           (select min(case when dirty or unchecked then now() else next_at end) from work.schedule
            where paused_at is null and retired_at is null), 'infinity'))) - now())::float8
