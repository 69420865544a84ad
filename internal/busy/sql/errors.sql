-- Gives the errors that the demo load has just had an invented past, so that they are not all new. @kinds are its kinds, @release
-- is the release that works them. Then an operator mutes one and marks another as fixed, which will be seen again.
select set_config('jobs.who', 'the demo load', true);
insert into work.error_hour (fingerprint, hour, kind, release, attempts)
select e.fingerprint, date_trunc('hour', now()) - make_interval(hours => ago), e.kind, case when ago < 20 then @release::text else 'v40' end,
       1 + mod(e.attempts * 7 + ago * 5, 11)
from (select distinct on (fingerprint, kind) fingerprint, kind, attempts from work.error_hour where kind = any (@kinds::text[])) e
cross join generate_series(1, 120) ago
where mod(ago, 3) <> 0
on conflict do nothing;
update work.error e set first_seen_at = h.first, first_release = 'v40'
from (select fingerprint, min(hour) as first from work.error_hour where kind = any (@kinds::text[]) group by fingerprint) h
where h.fingerprint = e.fingerprint and h.first < e.first_seen_at;
select jobs.mute(fingerprint, 'the partner knows')
from (select fingerprint from work.error_hour where kind = 'deliver_webhook' order by attempts, fingerprint limit 1) e;
select jobs.resolve(fingerprint, 'fixed in v41')
from (select fingerprint from work.error_hour where kind = 'resize_cover' order by fingerprint limit 1) e;
