-- Adds one error of a batch to its row of work.error. @fingerprint; @message of the latest attempt; @first and @last time that the
-- batch saw it, @first_release and @last_release at these times.
insert into work.error as e (fingerprint, message, first_seen_at, last_seen_at, first_release, last_release)
values (@fingerprint, @message, @first, @last, @first_release, @last_release)
on conflict (fingerprint) do update set
    message = case when excluded.last_seen_at >= e.last_seen_at then excluded.message else e.message end,
    last_release = case when excluded.last_seen_at >= e.last_seen_at then excluded.last_release else e.last_release end,
    last_seen_at = greatest(e.last_seen_at, excluded.last_seen_at),
    first_release = case when excluded.first_seen_at < e.first_seen_at then excluded.first_release else e.first_release end,
    first_seen_at = least(e.first_seen_at, excluded.first_seen_at)
