-- name: BookCards :many
-- The columns of books in lists, in the order of the ids. Average is in half stars, 0 for a book without ratings. stars and status are
-- the reader's. The ids are in a subquery, so that a plan for these ids looks no better than one for any: otherwise Postgres plans at
-- each call.
select b.id, b.title, b.year,
    (select array_agg(a.name order by ba.position)::text[] from book_author ba join author a on a.id = ba.author_id
     where ba.book_id = b.id) as authors,
    coalesce(said.average, 0)::float8 as average, coalesce(said.ratings, 0)::int as ratings,
    coalesce(mine.stars, 0)::smallint as stars, coalesce(shelved.status, '')::text as status
from unnest((select @ids::bigint[])) with ordinality as wanted(id, n)
join book b on b.id = wanted.id
left join rating mine on mine.reader_id = @reader_id and mine.book_id = b.id
left join shelving shelved on shelved.reader_id = @reader_id and shelved.book_id = b.id
left join lateral (select avg(r.stars) as average, count(*) as ratings from rating r where r.book_id = b.id) said on true
order by wanted.n;

-- name: BookGet :one
select b.*, coalesce(said.average, 0)::float8 as average, coalesce(said.ratings, 0)::int as ratings
from book b
left join lateral (select avg(r.stars) as average, count(*) as ratings from rating r where r.book_id = b.id) said on true
where b.id = $1;

-- name: BookAuthors :many
select a.* from book_author ba join author a on a.id = ba.author_id where ba.book_id = $1 order by ba.position;

-- name: BookSubjects :many
select s.* from book_subject bs join subject s on s.key = bs.subject where bs.book_id = $1 order by s.name;

-- name: BookMine :one
-- A reader's rating and shelf of a book.
select coalesce((select r.stars from rating r where r.reader_id = @reader_id and r.book_id = @book_id), 0)::smallint as stars,
    coalesce((select s.status from shelving s where s.reader_id = @reader_id and s.book_id = @book_id), '')::text as status;

-- name: SubjectsUsed :many
-- The subjects that have books. It looks for one book of each, because counting them would read all books.
select s.key, s.name from subject s
where exists (select from book_subject bs where bs.subject = s.key)
order by s.name;

-- name: BookPopular :many
-- The most popular books first, then books without ratings. None for a reader who has rated as many books as few says.
(select p.book_id::bigint as id from popularity p
 where (select count(*) from (select from rating r where r.reader_id = @reader_id limit @few) rated) < @few::int
 order by p.score desc, p.book_id limit @count)
union all
(select b.id from book b
 where not exists (select from popularity p where p.book_id = b.id)
   and (select count(*) from (select from rating r where r.reader_id = @reader_id limit @few) rated) < @few
   and (select count(*) from (select from popularity limit @count) enough) < @count
 order by b.title, b.id limit @count)
limit @count;

-- name: BookAlso :many
select neighbour_id from neighbour where book_id = @book_id order by similarity desc, neighbour_id limit @count;

-- name: RatingPut :exec
-- One statement, because every rating waits for it. Unchanged stars change nothing. Like all changes of a reader's taste it divides by
-- zero if the book does not exist: it is sent together with the commit, so only an error can prevent that. See store.KnownBook.
with target as (
    select b.id from book b where b.id = @book_id
), put as (
    insert into rating (reader_id, book_id, stars)
    select @reader_id, id, @stars from target
    on conflict (reader_id, book_id) do update set stars = excluded.stars, rated_at = now()
    where rating.stars <> excluded.stars
    returning nextval('rating_change')
), reader_changed as (
    update reader set ratings_version = ratings_version + 1, ratings_changed_at = now()
    where reader.id = @reader_id and exists (select from put)
)
select 1 / count(*) from target;

-- name: RatingDelete :exec
with gone as (
    delete from rating where reader_id = @reader_id and book_id = @book_id
    returning nextval('rating_change')
), reader_changed as (
    update reader set ratings_version = ratings_version + 1, ratings_changed_at = now()
    where reader.id = @reader_id and exists (select from gone)
)
select 1 / count(*) from book b where b.id = @book_id;

-- name: BookSearch :many
-- The books with most of the needed tokens, the best first. A token is one or more ranges of words; whole is the weight
-- of the first word of a range, part that of any other. A book with the title exact comes first. Which books have which tokens is
-- read from the index alone; the weights, which lie apart in the table, are read only of the most popular of these books, as many as
-- weighed says. Of many books the most popular are found in the order of their scores. offset 0 makes the planner read each range by itself: a join that it may reorder would read every word of every book.
with pattern as (
    select unnest(@tokens::int[]) as token, unnest(@lows::text[]) as low, unnest(@highs::text[]) as high,
        unnest(@wholes::int[]) as whole, unnest(@parts::int[]) as part, unnest(@needed::int[]) as needed
), hit as (
    select p.token, w.book_id, max(p.needed) as needed
    from pattern p
    cross join lateral (select bw.book_id from book_word bw where bw.word >= p.low and bw.word < p.high offset 0) w
    group by p.token, w.book_id
), found as materialized (
    select hit.book_id, sum(hit.needed)::int as tokens
    from hit
    left join book_subject s on s.subject = @subject::text and s.book_id = hit.book_id
    where @subject = '' or s.book_id is not null
    group by hit.book_id having sum(hit.needed) >= @least::int
), best as materialized (
    select f.book_id from found f where f.tokens = (select max(m.tokens) from found m)
), size as materialized (
    select count(*) as total, (select max(m.tokens) from found m) as tokens from best
), exact as materialized (
    select book_id from book_word where word = @exact::text
), most as materialized (
    (select b.book_id, p.score from best b left join popularity p on p.book_id = b.book_id
     where (select total from size) <= 4000
     order by b.book_id not in (select book_id from exact), p.score desc nulls last, b.book_id)
    union all
    (select b.book_id, p.score from exact b left join popularity p on p.book_id = b.book_id
     where (select total from size) > 4000 and b.book_id in (select book_id from best))
    union all
    (select p.book_id, p.score from (select book_id, score from popularity order by score desc, book_id offset 0) p
     where (select total from size) > 4000 and p.book_id in (select book_id from best) and p.book_id not in (select book_id from exact))
    union all
    (select b.book_id, null from best b
     where (select total from size) > 4000 and b.book_id not in (select book_id from exact)
       and not exists (select from popularity p where p.book_id = b.book_id))
    limit @weighed
)
select most.book_id, size.tokens::int as tokens, size.total::int as total
from most
cross join size
cross join lateral (
    select sum(t.weight) as weight from (
        select max(bw.weight * case when bw.word = p.low then p.whole else p.part end) as weight
        from book_word bw
        join pattern p on bw.word >= p.low and bw.word < p.high
        where bw.book_id = most.book_id
        group by p.token) t) w
order by most.book_id not in (select book_id from exact), w.weight desc, most.score desc nulls last, most.book_id
limit @count offset @skip;

-- name: BookRanked :many
-- The books with ratings, the most popular first.
select p.book_id from popularity p order by p.score desc, p.book_id limit @count offset @skip;

-- name: BookUnranked :many
-- The books without ratings, by title.
select b.id from book b
where not exists (select from popularity p where p.book_id = b.id)
order by b.title, b.id
limit @count offset @skip;

-- name: BookRankedCount :one
select count(*)::int from popularity;

-- name: BookCount :one
-- The number of books. Of a large catalogue it is the number when the table was last analysed, because counting takes too long.
select case when c.reltuples > 20000 then c.reltuples else (select count(*) from book) end::int
from pg_catalog.pg_class c where c.oid = 'book'::regclass;

-- name: BookRankedOn :many
-- The books of a subject with ratings, the most popular first. They are read in the order of their scores until there are enough,
-- or, where the subject has few books, sorted.
select p.book_id from popularity p join book_subject s on s.book_id = p.book_id and s.subject = @subject
order by p.score desc, p.book_id
limit @count offset @skip;

-- name: BookUnrankedOn :many
-- The books of a subject without ratings, by title.
select b.id from book_subject s join book b on b.id = s.book_id
where s.subject = @subject and not exists (select from popularity p where p.book_id = b.id)
order by b.title, b.id
limit @count offset @skip;

-- name: BookRankedCountOn :one
select count(*)::int from popularity p join book_subject s on s.book_id = p.book_id and s.subject = @subject;

-- name: BookCountOn :one
select count(*)::int from book_subject where subject = @subject;

-- name: WordRangesKnown :many
-- The numbers, from 1, of the ranges that contain a word.
select r.n::int from (
    select unnest(@lows::text[]) as low, unnest(@highs::text[]) as high, generate_subscripts(@lows::text[], 1) as n) r
where exists (select from book_word w where w.word >= r.low and w.word < r.high);

-- name: WordsByVariant :many
select distinct word from word_variant where variant = any(@variants::text[]);

-- name: WordsOfBook :many
select word from book_word where book_id = @book_id and word = any(@words::text[]);

-- name: BookFacts :many
-- The facts by which books are found.
select b.id, b.title, b.original_title, b.series,
    array(select a.name from book_author ba join author a on a.id = ba.author_id where ba.book_id = b.id)::text[] as authors,
    array(select s.name from book_subject bs join subject s on s.key = bs.subject where bs.book_id = b.id)::text[] as subjects
from book b
where b.id = any(@ids::bigint[]);

-- name: BookWordsPut :exec
insert into book_word (word, book_id, weight)
select unnest(@words::text[]), unnest(@book_ids::bigint[]), unnest(@weights::smallint[])
on conflict (word, book_id) do update set weight = excluded.weight where book_word.weight <> excluded.weight;

-- name: BookWordsPrune :many
-- Removes from these books the words that are not in the pairs, and returns the removed words, which may now be in no
-- book.
delete from book_word bw
where bw.book_id = any(@ids::bigint[]) and not exists (
    select from (select unnest(@words::text[]) as word, unnest(@book_ids::bigint[]) as book_id) w
    where w.word = bw.word and w.book_id = bw.book_id)
returning bw.word;

-- name: WordsWithoutVariants :many
select w.word::text from unnest(@words::text[]) as w(word)
where not exists (select from word_variant v where v.variant = w.word and v.word = w.word);

-- name: WordVariantsPut :exec
insert into word_variant (variant, word)
select unnest(@variants::text[]), unnest(@words::text[])
on conflict do nothing;

-- name: WordVariantsPrune :exec
-- Deletes the variants of words that are in no book. The variants are given, because the index is by variant.
delete from word_variant v
where v.variant = any(@variants::text[]) and v.word = any(@words::text[])
    and not exists (select from book_word bw where bw.word = v.word);
