-- Makes jobs available whose time has come. @most: how many at most.
-- Of jobs with the same unique key only one stays: the one that has the key already, or else the first that is due. The others are
-- discarded with the same note that River writes. A discarded job whose states would still hold the unique key loses it; otherwise
-- the whole batch would fail.
with due as (
    select id, unique_key, unique_states, priority, scheduled_at from river.river_job
    where state in ('retryable', 'scheduled') and scheduled_at <= now()
    order by scheduled_at limit @most
    for update skip locked
), ranked as (
    select id, unique_key is not null and unique_states is not null and id <> coalesce(
        (select h.id from river.river_job h
         where h.unique_key = due.unique_key and h.unique_key is not null and h.unique_states is not null
           and river.river_job_state_in_bitmask(h.unique_states, h.state)),
        first_value(id) over (partition by unique_key order by priority, scheduled_at, id)) as discard
    from due
), moved as (
    update river.river_job j set
        state = (case when discard then 'discarded' else 'available' end)::river.river_job_state,
        finalized_at = case when discard then now() end,
        unique_key = case when discard and river.river_job_state_in_bitmask(j.unique_states, 'discarded') then null else j.unique_key end,
        metadata = j.metadata || case when discard then '{"unique_key_conflict": "scheduler_discarded"}' else '{}' end::jsonb
    from ranked r where j.id = r.id
    returning j.queue, r.discard
), told as (
    select pg_notify('river.river_insert', '{"queue": ' || to_json(queue) || '}') from (select distinct queue from moved where not discard) q
)
select count(*), count(*) filter (where discard) from moved where (select count(*) from told) >= 0
