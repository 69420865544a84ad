-- Deletes the demo load's oldest finished jobs and completed attempts, so that days of it do not fill the disk. @kinds: its kinds;
-- @most: how many finished jobs are kept.
with newest as (
    select id from river.river_job where finalized_at is not null and kind = any (@kinds::text[])
    order by id desc offset @most::int limit 1
), attempts as (
    delete from work.attempt
    where kind = any (@kinds::text[]) and outcome = 'completed' and ended_at < now() - interval '2 hours'
)
delete from river.river_job where finalized_at is not null and kind = any (@kinds::text[]) and id <= (select id from newest);
