-- Moves everything that has been recorded back by half an hour: into the hour that jobs.trend compares the newest release with others in.
update work.release set first_seen_at = first_seen_at - interval '30 min';
update work.attempt set due_at = due_at - interval '30 min', started_at = started_at - interval '30 min', ended_at = ended_at - interval '30 min';
update work.minute set minute = minute - interval '30 min';
update work.minute_release set minute = minute - interval '30 min';
update work.request set started_at = started_at - interval '30 min', ended_at = ended_at - interval '30 min';
update river.river_job set created_at = created_at - interval '30 min', scheduled_at = scheduled_at - interval '30 min',
    attempted_at = attempted_at - interval '30 min', finalized_at = finalized_at - interval '30 min';
