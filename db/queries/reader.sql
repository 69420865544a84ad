-- name: ReaderInsert :one
-- Returns no row if the address is taken, so that the transaction remains usable.
insert into reader (email, email_key, name, password_hash, mail_ready)
values (@email, @email_key, @name, @password_hash, @mail_ready)
on conflict (email_key) do nothing
returning *;

-- name: ReaderByEmailKey :one
select * from reader where email_key = $1;

-- name: ReaderByID :one
select * from reader where id = $1;

-- name: ReaderSaveSettings :execrows
update reader set name = @name, time_zone = @time_zone, mail_ready = @mail_ready where id = @id;

-- name: ReaderSetPassword :one
update reader set password_hash = @password_hash where id = @id returning email_key;

-- name: ReaderHoldPassword :one
-- A transaction that sets a new password waits until this one ends.
select password_hash from reader where id = $1 for no key update;

-- name: ReaderDeletionSummary :one
select (select count(*) from rating where rating.reader_id = reader.id) as ratings,
       (select count(*) from shelving where shelving.reader_id = reader.id) as shelved,
       (select count(*) from message where message.reader_id = reader.id) as messages,
       (exists (select from operator o where o.reader_id = reader.id and o.role = 'operator')
        and not exists (select from operator o where o.reader_id <> reader.id and o.role = 'operator'))::bool as last_operator
from reader where reader.id = $1;

-- name: ReaderDelete :exec
-- All rows that refer to the reader are deleted by cascade.
delete from reader where id = $1;

-- name: SessionInsert :exec
insert into session (token_hash, reader_id, expires_at)
values (@token_hash, @reader_id, now() + make_interval(days => @days::int));

-- name: SessionReader :one
-- Runs on every request of a signed-in reader.
select r.id, r.name, r.email, coalesce(o.role, '')::text as role, r.time_zone, r.ratings_version,
       s.created_at as signed_in, (s.seen_at < now() - interval '1 hour')::bool as stale
from session s
join reader r on r.id = s.reader_id
left join operator o on o.reader_id = r.id
where s.token_hash = $1 and s.expires_at > now();

-- name: SessionHoldRole :one
-- SessionReader for an account that has a role. Ending the session and changing the role wait until the transaction ends.
select r.id, r.name, r.email, o.role, r.time_zone, r.ratings_version,
       s.created_at as signed_in, (s.seen_at < now() - interval '1 hour')::bool as stale
from session s
join reader r on r.id = s.reader_id
join operator o on o.reader_id = r.id
where s.token_hash = $1 and s.expires_at > now()
for share of s, o;

-- name: SessionTouch :exec
update session set seen_at = now(), expires_at = now() + make_interval(days => @days::int)
where token_hash = @token_hash and seen_at < now() - interval '1 hour' and expires_at > now();

-- name: SessionDelete :execrows
delete from session where token_hash = $1;

-- name: SessionDeleteOthers :execrows
delete from session where reader_id = @reader_id and token_hash <> @token_hash;

-- name: SessionPrune :execrows
delete from session where expires_at <= now();

-- name: RateLimitTake :one
-- A token bucket in one statement. tokens is the number left at updated_at. If the last attempt was refused, which
-- takes no token, it is that number minus one, which is negative. So the sign of the new value is the result.
insert into rate_limit as l (key, tokens, updated_at)
select @key, cast(@burst as real) - 1, now()
on conflict (key) do update set
    tokens = least(cast(@burst as real), l.tokens + (l.tokens < 0)::int
             + greatest(0, extract(epoch from now() - l.updated_at)) / cast(@seconds as float8)) - 1,
    updated_at = greatest(now(), l.updated_at)
returning tokens;

-- name: RateLimitForget :exec
delete from rate_limit where key = any(@keys::text[]);

-- name: RateLimitMark :exec
-- A row that only marks its key.
insert into rate_limit (key, tokens) values ($1, 0)
on conflict (key) do update set updated_at = now();

-- name: RateLimitHas :one
select exists (select from rate_limit where key = $1);

-- name: RateLimitPrune :execrows
-- After this time every bucket is full again, like a bucket without a row. Marks last as long as a session.
delete from rate_limit
where updated_at < now() - interval '60 days'
   or (updated_at < now() - interval '1 day' and key not like 'known:%');

-- name: ResetLock :exec
-- Serialises the requests for a reader, so that ResetInsert counts all of them.
select pg_advisory_xact_lock(1920296820, hashint8(@reader_id::bigint));

-- name: ResetInsert :one
-- Returns no row if the reader has reached the limit within the hour.
insert into password_reset (reader_id, expires_at)
select cast(@reader_id as bigint), now() + interval '1 hour'
where (select count(*) from password_reset p
       where p.reader_id = @reader_id and p.created_at > now() - interval '1 hour') < @most::int
returning id;

-- name: ResetInsertMinted :exec
insert into password_reset (reader_id, token_hash, expires_at)
values (@reader_id, @token_hash, now() + interval '1 hour');

-- name: ResetMint :one
-- Each delivery has a new token; that of an earlier attempt stops working.
update password_reset p set token_hash = @token_hash
from reader r
where p.id = @id and p.reader_id = @reader_id and p.used_at is null and p.expires_at > now() and r.id = p.reader_id
returning r.name, r.time_zone, p.expires_at;

-- name: ResetByToken :one
select p.reader_id, r.email, p.expires_at, (p.used_at is not null)::bool as used, (p.expires_at <= now())::bool as expired
from password_reset p
join reader r on r.id = p.reader_id
where p.token_hash = $1;

-- name: ResetUse :one
update password_reset set used_at = now()
where token_hash = $1 and used_at is null and expires_at > now()
returning reader_id;

-- name: ResetUseAll :exec
update password_reset set used_at = now() where reader_id = $1 and used_at is null;

-- name: ResetPrune :execrows
delete from password_reset where expires_at < now() - interval '1 day';
