-- Moves everything that has been recorded back by an hour.
update work.release set first_seen_at = first_seen_at - interval '1 hour';
update work.attempt set due_at = due_at - interval '1 hour', started_at = started_at - interval '1 hour', ended_at = ended_at - interval '1 hour';
update work.minute set minute = minute - interval '1 hour';
update work.minute_release set minute = minute - interval '1 hour';
update work.request set started_at = started_at - interval '1 hour', ended_at = ended_at - interval '1 hour';
update river.river_job set created_at = created_at - interval '1 hour', scheduled_at = scheduled_at - interval '1 hour',
    attempted_at = attempted_at - interval '1 hour', finalized_at = finalized_at - interval '1 hour';
