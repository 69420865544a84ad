-- name: ShelvingPut :exec
-- A shelved book also leaves the recommendations.
with target as (
    select b.id from book b where b.id = @book_id
), put as (
    insert into shelving (reader_id, book_id, status)
    select @reader_id, id, @status::text from target
    on conflict (reader_id, book_id) do update set status = excluded.status, shelved_at = now()
    where shelving.status <> excluded.status
    returning book_id
), unlisted as (
    delete from recommendation where reader_id = @reader_id and book_id = @book_id
), reader_changed as (
    update reader set ratings_version = ratings_version + 1, ratings_changed_at = now()
    where reader.id = @reader_id and exists (select from put)
)
select 1 / count(*) from target;

-- name: ShelvingDelete :exec
with gone as (
    delete from shelving where reader_id = @reader_id and book_id = @book_id
    returning book_id
), reader_changed as (
    update reader set ratings_version = ratings_version + 1, ratings_changed_at = now()
    where reader.id = @reader_id and exists (select from gone)
)
select 1 / count(*) from book b where b.id = @book_id;

-- name: ShelfCounts :one
select count(*) filter (where status = 'to-read')::int as to_read,
    count(*) filter (where status = 'reading')::int as reading,
    count(*) filter (where status = 'read')::int as read,
    (select count(*) from rating r where r.reader_id = @reader_id)::int as rated
from shelving where reader_id = @reader_id;

-- name: ShelfBooks :many
select book_id from shelving where reader_id = @reader_id and status = @status
order by shelved_at desc, book_id limit @count offset @skip;

-- name: ShelfRated :many
select book_id from rating where reader_id = @reader_id
order by rated_at desc, book_id limit @count offset @skip;
