-- The lines of the inbox of errors that the attempts of a request belong to.
select e.message, e.kinds, e.first_seen_at as first_seen, e.last_seen_at as last_seen, e.aside,
       (select count(*) from jobs.attempt a where a.fingerprint = e.fingerprint and a.request_id = @request) as times
from jobs.error e
where e.fingerprint in (select fingerprint from jobs.attempt where request_id = @request and fingerprint is not null)
order by e.first_seen_at
