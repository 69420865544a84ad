-- name: BookCards :many
-- The columns of books in lists, in the order of the ids. Average is in half stars, 0 for a book without ratings. Ratings are counted
-- only where rating_count does not have them all. stars and status are the reader's. The ids are in a subquery, so that a plan for these
-- ids looks no better than one for any: otherwise Postgres plans at each call.
select b.id, b.title, b.year,
    (select array_agg(a.name order by ba.position)::text[] from book_author ba join author a on a.id = ba.author_id
     where ba.book_id = b.id) as authors,
    coalesce(case when c.whole then c.stars / nullif(c.ratings, 0) else said.average end, 0)::float8 as average,
    coalesce(case when c.whole then c.ratings else said.ratings end, 0)::int as ratings,
    coalesce(mine.stars, 0)::smallint as stars, coalesce(shelved.status, '')::text as status
from unnest((select @ids::bigint[])) with ordinality as wanted(id, n)
join book b on b.id = wanted.id
left join rating mine on mine.reader_id = @reader_id and mine.book_id = b.id
left join shelving shelved on shelved.reader_id = @reader_id and shelved.book_id = b.id
left join lateral (select sum(c.ratings) as ratings, sum(c.stars) as stars, bool_or(c.part = 0) as whole
    from rating_count c where c.book_id = b.id) c on true
left join lateral (select avg(r.stars) as average, count(*) as ratings
    from rating r where r.book_id = b.id and c.whole is not true) said on true
order by wanted.n;

-- name: BookGet :one
select b.title, b.original_title, b.year, b.series, b.volume, b.about,
    coalesce(case when c.whole then c.stars / nullif(c.ratings, 0) else said.average end, 0)::float8 as average,
    coalesce(case when c.whole then c.ratings else said.ratings end, 0)::int as ratings
from book b
left join lateral (select sum(c.ratings) as ratings, sum(c.stars) as stars, bool_or(c.part = 0) as whole
    from rating_count c where c.book_id = b.id) c on true
left join lateral (select avg(r.stars) as average, count(*) as ratings
    from rating r where r.book_id = b.id and c.whole is not true) said on true
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
-- The books with at least @least of the needed tokens, the best first. A token is one or more ranges of words; whole is the weight of
-- the first word of a range, part that of any other. Books with the title exact come first. The others are ranked among the most
-- popular ones, as many as weighed says.
--
-- Where one token has few books, these are looked at. Otherwise those of popular_word are read tier by tier until there is one more than
-- weighed, and more is true; and only if they do not suffice are all books of the words read. That takes only the index: their weights,
-- which lie apart in the table, are read of those that are ranked. offset 0 makes the planner read each range and each score by
-- itself: a join that it may reorder would read every word or score there is.
with ranked as materialized (
    select @weighed::int as most
), pattern as materialized (
    select unnest(@tokens::int[]) as token, unnest(@lows::text[]) as low, unnest(@highs::text[]) as high,
        unnest(@wholes::int[]) as whole, unnest(@parts::int[]) as part, unnest(@needed::int[]) as needed
), rarest as materialized (
    select p.token, sum((select count(*) from (select from book_word bw where bw.word >= p.low and bw.word < p.high limit 300) c)) as books
    from pattern p where p.needed = 1
    group by p.token order by books, p.token limit 1
), few as materialized ( -- the books of the rarest of several tokens, of which all are wanted
    select distinct w.book_id
    from rarest r
    join pattern p on p.token = r.token
    cross join lateral (select bw.book_id from book_word bw where bw.word >= p.low and bw.word < p.high offset 0) w
    where r.books < 300 and @least::int > 1 and @least = (select count(distinct token) from pattern where needed = 1)
), popular as materialized (
    select found.book_id, found.weight, found.score
    from generate_series(case when (select books from rarest) < 300 then 0 else 7 end, 1, -1) as t(tier)
    cross join lateral (
        select f.book_id, f.weight, p.score
        from (select hit.book_id, sum(hit.weight) as weight
              from (select p.token, w.book_id, max(p.needed) as needed,
                        max(w.weight * case when w.word = p.low then p.whole else p.part end) as weight
                    from pattern p
                    cross join lateral (select pw.word, pw.book_id, pw.weight from popular_word pw
                        where pw.tier = t.tier and pw.word >= p.low and pw.word < p.high offset 0) w
                    group by p.token, w.book_id) hit
              group by hit.book_id having sum(hit.needed) >= @least) f
        join popularity p on p.book_id = f.book_id
        where @subject::text = '' or f.book_id in (select s.book_id from book_subject s where s.subject = @subject)
        order by p.score desc, f.book_id) found
    limit (select most + 1 from ranked)
), other as materialized (
    select f.book_id, p.score
    from (select f.book_id
          from few f
          cross join lateral (select bw.word from book_word bw where bw.book_id = f.book_id offset 0) w
          join pattern p on w.word >= p.low and w.word < p.high
          group by f.book_id having bit_count(bit_or(p.needed << p.token)::bit(16)) >= @least
          union all
          select w.book_id
          from pattern p
          cross join lateral (select bw.book_id from book_word bw where bw.word >= p.low and bw.word < p.high offset 0) w
          where not exists (select from few)
          group by w.book_id having bit_count(bit_or(p.needed << p.token)::bit(16)) >= @least) f
    left join lateral (select p.score from popularity p where p.book_id = f.book_id offset 0) p on true
    where (select count(*) from popular) <= (select most from ranked) and f.book_id not in (select book_id from popular)
      and (@subject = '' or f.book_id in (select s.book_id from book_subject s where s.subject = @subject))
), titled as materialized (
    select w.book_id, p.score
    from book_word w left join popularity p on p.book_id = w.book_id
    where w.word = @exact::text and (@subject = '' or w.book_id in (select s.book_id from book_subject s where s.subject = @subject))
    order by p.score desc nulls last, w.book_id limit (select most from ranked)
), best as (
    select book_id, 1 as titled, 0 as weight, score from titled
    union all
    (select book_id, 0, weight, score from popular where book_id not in (select book_id from titled) limit (select most from ranked))
    union all
    select o.book_id, 0, w.weight, o.score
    from (select o.book_id, o.score from other o where o.book_id not in (select book_id from titled)
          order by o.score desc nulls last, o.book_id
          limit (select greatest(0, r.most - (select count(*) from popular)) from ranked r)) o
    cross join lateral (
        select sum(t.weight) as weight from (
            select max(bw.weight * case when bw.word = p.low then p.whole else p.part end) as weight
            from book_word bw join pattern p on bw.word >= p.low and bw.word < p.high
            where bw.book_id = o.book_id
            group by p.token) t) w
)
select book_id, ((select count(*) from popular) + (select count(*) from other))::int as total,
    ((select count(*) from popular) > (select most from ranked))::bool as more
from best
order by titled desc, weight desc, score desc nulls last, book_id
limit @count offset @skip;

-- name: BookSearchReach :one
-- The largest number of needed tokens that a book has.
with pattern as materialized (
    select unnest(@tokens::int[]) as token, unnest(@lows::text[]) as low, unnest(@highs::text[]) as high, unnest(@needed::int[]) as needed
)
select coalesce(max(f.tokens), 0)::int
from (select bit_count(bit_or(p.needed << p.token)::bit(16)) as tokens
      from pattern p
      cross join lateral (select bw.book_id from book_word bw where bw.word >= p.low and bw.word < p.high offset 0) w
      where @subject::text = '' or w.book_id in (select s.book_id from book_subject s where s.subject = @subject)
      group by w.book_id) f;

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
-- The number of books. Of a large catalogue it is the number when the table was last analysed: counting 500,000 books took 470 ms on a busy
-- machine.
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

-- name: PopularWordsRefresh :exec
-- Brings the words of these books in popular_word up to date. Their tiers stay.
with tier as materialized (
    select distinct book_id, tier from popular_word where book_id = any(@ids::bigint[])
), gone as (
    delete from popular_word p where p.book_id = any(@ids)
        and not exists (select from book_word w where w.word = p.word and w.book_id = p.book_id)
)
insert into popular_word as p (tier, word, book_id, weight)
select t.tier, w.word, w.book_id, w.weight from tier t join book_word w on w.book_id = t.book_id where w.weight > 0
on conflict (tier, word, book_id) do update set weight = excluded.weight where p.weight <> excluded.weight;

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
