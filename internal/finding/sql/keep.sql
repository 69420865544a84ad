-- Stores what needs attention, unless another process has just stored it or does so now. The longer it takes to find, the less often
-- it is looked for. The statement finds it only if it gets the row.
with mine as materialized (
    select one from work.finding where at <= now() - greatest(interval '5 s', 20 * took) for update skip locked
), found as (
    select coalesce(jsonb_agg(to_jsonb(f) order by f.rank, f.subject), '[]') as list
    from (select * from jobs.finding_now order by rank, subject limit 1000) f where exists (select from mine)
)
update work.finding f set at = now(), list = found.list, took = clock_timestamp() - statement_timestamp()
from found
where f.one = (select one from mine)
