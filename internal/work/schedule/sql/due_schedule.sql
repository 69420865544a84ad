-- Locks one schedule that wants to be seen to, but for those in @seen, and in @broken if they are still broken. A second process takes
-- another. The lock order is the schedule's row, then the job's; a unique duplicate may be locked by its worker for a while and is not
-- waited for long.
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
