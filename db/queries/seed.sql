-- name: CatalogueLock :exec
-- Only one seed runs at a time.
select pg_advisory_xact_lock(7809632558211460);

-- name: SubjectsPut :exec
insert into subject (key, name)
select unnest(@keys::text[]), unnest(@names::text[])
on conflict (key) do update set name = excluded.name where subject.name <> excluded.name;

-- name: AuthorsPut :exec
-- A year of 0 means unknown.
insert into author (key, name, sort_name, born, died)
select w.key, w.name, w.sort_name, nullif(w.born, 0), nullif(w.died, 0)
from (select unnest(@keys::text[]) as key, unnest(@names::text[]) as name, unnest(@sort_names::text[]) as sort_name,
        unnest(@born::smallint[]) as born, unnest(@died::smallint[]) as died) w
on conflict (key) do update set name = excluded.name, sort_name = excluded.sort_name, born = excluded.born, died = excluded.died
where (author.name, author.sort_name, author.born, author.died)
    is distinct from (excluded.name, excluded.sort_name, excluded.born, excluded.died);

-- name: BooksReserve :many
-- The ids of the catalogue's books, in the order of the keys. New books get new ids.
select w.key::text as key, coalesce(w.book_id, nextval(pg_get_serial_sequence('book', 'id')))::bigint as id,
    (w.book_id is null)::bool as fresh
from (select u.key, k.book_id
    from unnest(@keys::text[]) with ordinality as u(key, n)
    left join book_key k on k.kind = 'catalogue' and k.value = u.key
    order by u.n) w;

-- name: BooksPut :exec
insert into book (id, title, original_title, year, series, volume, about) overriding system value
select w.id, w.title, w.original_title, nullif(w.year, 0), w.series, w.volume, w.about
from (select unnest(@ids::bigint[]) as id, unnest(@titles::text[]) as title, unnest(@original_titles::text[]) as original_title,
        unnest(@years::smallint[]) as year, unnest(@series::text[]) as series, unnest(@volumes::text[]) as volume,
        unnest(@abouts::text[]) as about) w
on conflict (id) do update set title = excluded.title, original_title = excluded.original_title, year = excluded.year,
    series = excluded.series, volume = excluded.volume, about = excluded.about
where (book.title, book.original_title, book.year, book.series, book.volume, book.about)
    is distinct from (excluded.title, excluded.original_title, excluded.year, excluded.series, excluded.volume, excluded.about);

-- name: BookKeysPut :exec
insert into book_key (kind, value, book_id)
select 'catalogue', unnest(@keys::text[]), unnest(@ids::bigint[])
on conflict (kind, value) do nothing;

-- name: BookAuthorsPut :exec
insert into book_author (book_id, author_id, position)
select w.book_id, a.id, w.position
from (select unnest(@book_ids::bigint[]) as book_id, unnest(@authors::text[]) as author, unnest(@positions::smallint[]) as position) w
join author a on a.key = w.author
on conflict (book_id, author_id) do update set position = excluded.position where book_author.position <> excluded.position;

-- name: BookAuthorsPrune :exec
-- Removes from these books the authors that are not in the pairs.
delete from book_author ba
where ba.book_id = any(@ids::bigint[]) and not exists (
    select from (select unnest(@book_ids::bigint[]) as book_id, unnest(@authors::text[]) as author) w
    join author a on a.key = w.author
    where w.book_id = ba.book_id and a.id = ba.author_id);

-- name: BookSubjectsPut :exec
insert into book_subject (book_id, subject)
select unnest(@book_ids::bigint[]), unnest(@subjects::text[])
on conflict do nothing;

-- name: BookSubjectsPrune :exec
delete from book_subject bs
where bs.book_id = any(@ids::bigint[]) and not exists (
    select from (select unnest(@book_ids::bigint[]) as book_id, unnest(@subjects::text[]) as subject) w
    where w.book_id = bs.book_id and w.subject = bs.subject);

-- name: ReadersLoad :many
-- Returns the new readers. Invented readers never get mail, and all their ratings and shelves are one change.
insert into reader (email, email_key, name, password_hash, time_zone, mail_ready, ratings_version, ratings_changed_at, created_at)
select w.email, w.email_key, w.name, @password_hash::text, w.time_zone, false, 1, now(), now() - make_interval(days => w.days_ago)
from (select unnest(@emails::text[]) as email, unnest(@email_keys::text[]) as email_key, unnest(@names::text[]) as name,
        unnest(@time_zones::text[]) as time_zone, unnest(@days_ago::int[]) as days_ago) w
on conflict (email_key) do nothing
returning id, email_key;

-- name: RatingsLoad :exec
insert into rating (reader_id, book_id, stars, rated_at)
select w.reader_id, k.book_id, w.stars, now() - make_interval(days => w.days_ago)
from (select unnest(@reader_ids::bigint[]) as reader_id, unnest(@books::text[]) as book, unnest(@stars::smallint[]) as stars,
        unnest(@days_ago::int[]) as days_ago) w
join book_key k on k.kind = 'catalogue' and k.value = w.book
returning nextval('rating_change');

-- name: ShelvingsLoad :exec
insert into shelving (reader_id, book_id, status, shelved_at)
select w.reader_id, k.book_id, w.status, now() - make_interval(days => w.days_ago)
from (select unnest(@reader_ids::bigint[]) as reader_id, unnest(@books::text[]) as book, unnest(@statuses::text[]) as status,
        unnest(@days_ago::int[]) as days_ago) w
join book_key k on k.kind = 'catalogue' and k.value = w.book;
