-- name: ImportInsert :one
-- Returns no row if the reader has an unfinished import.
insert into import (reader_id, file_name, format, notes) values (@reader_id, @file_name, @format, @notes)
on conflict (reader_id) where ended_at is null do nothing
returning id;

-- name: ImportSetRows :exec
update import set rows = @rows, counts = @counts where id = @id;

-- name: ImportsToday :one
select count(*)::int from import where reader_id = $1 and created_at > now() - interval '1 day';

-- name: ImportGet :one
select * from import where id = @id and reader_id = @reader_id;

-- name: ImportList :many
select * from import where reader_id = $1 order by id desc limit 20;

-- name: ImportLock :one
-- Locks an import of a reader who still exists. The reader's row is locked first, as a deletion of the account does.
select i.rows, i.ended_at from import i
join (select reader.id from reader where reader.id = @reader_id for key share) r on r.id = i.reader_id
where i.id = @id for no key update of i;

-- name: ImportMove :exec
update import set steps = @steps, doing = @doing, moved_at = now() where id = @id;

-- name: ImportEnd :exec
update import set ended_at = coalesce(ended_at, now()), stopped = stopped or @stopped, doing = '', moved_at = now() where id = @id;

-- name: ImportCount :exec
update import set counts = coalesce((
    select jsonb_object_agg(o.outcome, o.n)
    from (select outcome, count(*) as n from import_row where import_id = @id group by outcome) o), '{}')
where id = @id;

-- name: ImportPrune :exec
delete from import_row where import_id in (select i.id from import i where i.ended_at < now() - interval '1 day');

-- name: ImportRows :many
select * from import_row where import_id = @import_id and n > @after and n <= @upto and outcome = 'waiting' order by n;

-- name: ImportRowsOfBooks :many
-- The waiting rows of all books whose first waiting row is among these. They are found by their books alone: the statistics know little of
-- an import that has just arrived, and the planner would read all of its rows for each book.
select r.* from import_row r
where r.book_id = any(array(select f.book_id from import_row f
        where f.import_id = @import_id and f.n > @after and f.n <= @upto and f.outcome = 'waiting' and f.book_id is not null))
    and r.import_id + 0 = @import_id and r.outcome || '' = 'waiting'
order by r.n;

-- name: ImportRow :one
select * from import_row where import_id = @import_id and n = @n for update;

-- name: ImportRowsLike :many
-- The rows with one of the outcomes.
select * from import_row where import_id = @import_id and outcome = any(@outcomes::text[]) order by n limit @count;

-- name: ImportRowsMatch :exec
update import_row r set book_id = w.book_id, created = w.created
from (select unnest(@ns::int[]) as n, unnest(@book_ids::bigint[]) as book_id, unnest(@created::bool[]) as created) w
where r.import_id = @import_id and r.n = w.n;

-- name: ImportRowUnclear :exec
update import_row set outcome = 'unclear', candidates = @candidates, reason = @reason where import_id = @import_id and n = @n;

-- name: ImportRowsSettle :exec
update import_row r set outcome = w.outcome, reason = w.reason, before = nullif(w.before, '')::jsonb
from (select unnest(@ns::int[]) as n, unnest(@outcomes::text[]) as outcome, unnest(@reasons::text[]) as reason, unnest(@befores::text[]) as before) w
where r.import_id = @import_id and r.n = w.n;

-- name: ImportKeys :many
-- The books that are known by the keys, each with its place in the list.
select w.place::int as place, k.book_id
from (select unnest(@kinds::text[]) as kind, unnest(@values::text[]) as value, generate_subscripts(@kinds::text[], 1) as place) w
join book_key k on k.kind = w.kind and k.value = w.value;

-- name: ImportTitles :many
-- The books whose titles begin with the words of a range, by authors with the surname (any author if it is empty), and those with the whole title. A place has at most 20.
select w.place::int as place, t.book_id
from (select unnest(@lows::text[]) as low, unnest(@highs::text[]) as high, unnest(@wholes::text[]) as whole, unnest(@surnames::text[]) as surname,
    generate_subscripts(@lows::text[], 1) as place) w
cross join lateral (
    (select bw.book_id from book_word bw where bw.word >= w.low and bw.word < w.high
        and (w.surname = '' and bw.word = w.whole or exists (select from book_word s where s.word = w.surname and s.book_id = bw.book_id)) limit 20)
    union
    (select bw.book_id from book_word bw where bw.word = w.whole limit 20)) t;

-- name: ImportCandidates :many
select b.id, b.title, b.original_title, b.series, b.volume, coalesce(b.year, 0)::smallint as year,
    array(select a.name from book_author ba join author a on a.id = ba.author_id where ba.book_id = b.id order by ba.position)::text[] as authors
from book b where b.id = any(@ids::bigint[]);

-- name: ImportReserve :many
select nextval(pg_get_serial_sequence('book', 'id'))::bigint as id from generate_series(1, @count::int);

-- name: ImportBooks :exec
insert into book (id, title, series, volume, year) overriding system value
select w.id, w.title, w.series, w.volume, nullif(w.year, 0)
from (select unnest(@ids::bigint[]) as id, unnest(@titles::text[]) as title, unnest(@series::text[]) as series, unnest(@volumes::text[]) as volume,
    unnest(@years::smallint[]) as year) w;

-- name: ImportAuthors :exec
insert into author (key, name, sort_name)
select unnest(@keys::text[]), unnest(@names::text[]), unnest(@sort_names::text[])
on conflict (key) do nothing;

-- name: ImportBookKeys :exec
insert into book_key (kind, value, book_id)
select unnest(@kinds::text[]), unnest(@values::text[]), unnest(@book_ids::bigint[])
on conflict do nothing;

-- name: ImportOpinions :many
-- What the reader says about the books on the site, and what the last import left there.
select b.id::bigint as book_id, r.stars, r.rated_at, s.status, s.shelved_at, i.stars as imported_stars, i.shelf as imported_shelf
from unnest(@ids::bigint[]) as b(id)
left join rating r on r.reader_id = @reader_id and r.book_id = b.id
left join shelving s on s.reader_id = @reader_id and s.book_id = b.id
left join imported i on i.reader_id = @reader_id and i.book_id = b.id;

-- name: ImportRate :many
-- Ratings that the reader has changed meanwhile stay. Stars of 0 are none.
insert into rating as r (reader_id, book_id, stars, rated_at)
select @reader_id::bigint, w.book_id, w.stars, least(w.at, now())
from (select unnest(@book_ids::bigint[]) as book_id, unnest(@stars::smallint[]) as stars, unnest(@at::timestamptz[]) as at, unnest(@was::smallint[]) as was) w
order by w.book_id
on conflict (reader_id, book_id) do update set stars = excluded.stars, rated_at = excluded.rated_at
where r.stars = (select w.was from (select unnest(@book_ids::bigint[]) as book_id, unnest(@was::smallint[]) as was) w where w.book_id = r.book_id)
returning nextval('rating_change');

-- name: ImportShelve :exec
-- Books that the reader has moved meanwhile stay.
insert into shelving as s (reader_id, book_id, status, shelved_at)
select @reader_id::bigint, w.book_id, w.shelf, least(w.at, now())
from (select unnest(@book_ids::bigint[]) as book_id, unnest(@shelves::text[]) as shelf, unnest(@at::timestamptz[]) as at) w
order by w.book_id
on conflict (reader_id, book_id) do update set status = excluded.status, shelved_at = excluded.shelved_at
where s.status = (select w.was from (select unnest(@book_ids::bigint[]) as book_id, unnest(@was::text[]) as was) w where w.book_id = s.book_id);

-- name: ImportRemember :exec
insert into imported (reader_id, book_id, stars, shelf)
select @reader_id::bigint, w.book_id, nullif(w.stars, 0), nullif(w.shelf, '')
from (select unnest(@book_ids::bigint[]) as book_id, unnest(@stars::smallint[]) as stars, unnest(@shelves::text[]) as shelf) w
order by w.book_id
on conflict (reader_id, book_id) do update set stars = excluded.stars, shelf = excluded.shelf;

-- name: ImportUnlist :exec
delete from recommendation where reader_id = @reader_id and book_id = any(@ids::bigint[]);

-- name: ImportReaderChanged :exec
update reader set ratings_version = ratings_version + 1, ratings_changed_at = now() where id = $1;

-- name: ImportWrote :one
-- Whether the import has changed anything.
select exists (select from import_row where import_id = $1 and before is not null);

-- name: ImportUndoRatings :exec
-- Ratings as they were before the import, except those that the reader has changed since.
with w as (
    select r.book_id, (r.before ->> 'stars')::smallint as stars, (r.before ->> 'rated_at')::timestamptz as rated_at,
        (r.before ->> 'wrote_stars')::smallint as wrote
    from import_row r where r.import_id = @id and (r.before ->> 'wrote_stars')::int > 0
), restored as (
    update rating g set stars = w.stars, rated_at = w.rated_at from w
    where w.stars > 0 and g.reader_id = @reader_id and g.book_id = w.book_id and g.stars = w.wrote
    returning nextval('rating_change')
)
delete from rating g using w
where w.stars = 0 and g.reader_id = @reader_id and g.book_id = w.book_id and g.stars = w.wrote
returning nextval('rating_change');

-- name: ImportUndoShelvings :exec
with w as (
    select r.book_id, r.before ->> 'shelf' as shelf, (r.before ->> 'shelved_at')::timestamptz as shelved_at, r.before ->> 'wrote_shelf' as wrote
    from import_row r where r.import_id = @id and r.before ->> 'wrote_shelf' <> ''
), restored as (
    update shelving s set status = w.shelf, shelved_at = w.shelved_at from w
    where w.shelf <> '' and s.reader_id = @reader_id and s.book_id = w.book_id and s.status = w.wrote
)
delete from shelving s using w
where w.shelf = '' and s.reader_id = @reader_id and s.book_id = w.book_id and s.status = w.wrote;

-- name: ImportUndoRemembered :exec
with w as (
    select r.book_id, nullif((r.before ->> 'base_stars')::smallint, 0) as stars, nullif(r.before ->> 'base_shelf', '') as shelf
    from import_row r where r.import_id = @id and r.before is not null
)
update imported i set stars = w.stars, shelf = w.shelf from w where i.reader_id = @reader_id and i.book_id = w.book_id;

-- name: ImportUndoLockBooks :exec
-- Readers and imports that use one of the books meanwhile wait for this transaction, or have committed before ImportUndoBooks looks.
select id from book where id in (select r.book_id from import_row r where r.import_id = $1 and r.created) order by id for update;

-- name: ImportUndoBooks :exec
-- The books that the import brought leave, unless another reader or import has them.
delete from book b
where b.id in (select r.book_id from import_row r where r.import_id = @id and r.created)
    and not exists (select from rating g where g.book_id = b.id)
    and not exists (select from shelving s where s.book_id = b.id)
    and not exists (select from dismissal d where d.book_id = b.id)
    and not exists (select from import_row o where o.book_id = b.id and o.import_id <> @id);

-- name: ImportMarkUndone :execrows
update import set undone_at = now() where id = @id and reader_id = @reader_id and undone_at is null and ended_at > now() - interval '1 day';

-- name: ImportHasRows :one
select exists (select from import_row where import_id = $1);

-- name: ImportHasBook :one
select exists (select from import_row where import_id = @import_id and book_id = @book_id::bigint and n <> @n);
