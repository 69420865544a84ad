-- Locks one schedule that is due or has changed, except those in @seen, and those in @broken that are still broken. A second process
-- gets another one. The lock order is the schedule's row, then the job's. The lock timeout is short because a duplicate's worker may
-- have its row locked for a while.
with s as (
    select name, kind, args::text, opts::text, spec, zone, missed, coalesce(work.json_refused(args), ''), broken is not null, dirty, next_at
    from work.schedule
    where (next_at <= now() or dirty or unchecked) and paused_at is null and retired_at is null
      and name <> all (@seen) and (broken is null or name <> all (@broken))
    order by next_at limit 1
    for update skip locked
), limits as (
    select set_config('lock_timeout', '200ms', true), set_config('idle_in_transaction_session_timeout', '8s', true)
)
select s.*, clock_timestamp() from s, limits
