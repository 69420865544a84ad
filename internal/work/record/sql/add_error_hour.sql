-- Adds attempts to a row of work.error_hour. The arguments are named like the columns.
insert into work.error_hour as h (fingerprint, hour, kind, release, attempts) values (@fingerprint, @hour, @kind, @release, @attempts)
on conflict (fingerprint, hour, kind, release) do update set attempts = h.attempts + excluded.attempts
