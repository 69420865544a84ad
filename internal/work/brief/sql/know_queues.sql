-- Makes the brief queues $1 known, as River does for its own: they can be paused. River deletes queues that were not seen for a day.
insert into river.river_queue (name, created_at, updated_at) select name, now(), now() from unnest($1::text[]) as q (name) order by name
on conflict (name) do update set updated_at = excluded.updated_at
