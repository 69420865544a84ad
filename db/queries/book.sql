-- name: BookCards :many
-- What lists show of the books, in the order asked for. Average is in halves, 0 where nobody has rated.
select b.id, b.title, b.year,
    (select array_agg(a.name order by ba.position)::text[] from book_author ba join author a on a.id = ba.author_id
     where ba.book_id = b.id) as authors,
    coalesce(said.average, 0)::float8 as average, coalesce(said.ratings, 0)::int as ratings
from unnest(@ids::bigint[]) with ordinality as wanted(id, n)
join book b on b.id = wanted.id
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

-- name: BookMine :many
-- What a reader has said of these books; books of which nothing are left out.
select b.id::bigint as book_id, coalesce(r.stars, 0)::smallint as stars, coalesce(s.status, '')::text as status
from unnest(@ids::bigint[]) as b(id)
left join rating r on r.reader_id = @reader_id and r.book_id = b.id
left join shelving s on s.reader_id = @reader_id and s.book_id = b.id
where r.stars is not null or s.status is not null;

-- name: SubjectsUsed :many
select s.key, s.name, count(*)::int as books
from subject s join book_subject bs on bs.subject = s.key
group by s.key
order by s.name;

-- name: BookPopular :many
-- The best loved, then the books that nobody has rated yet.
(select p.book_id::bigint as id from popularity p order by p.score desc, p.book_id limit @count)
union all
(select b.id from book b
 where not exists (select from popularity p where p.book_id = b.id)
   and (select count(*) from (select from popularity limit @count) enough) < @count
 order by b.title, b.id limit @count)
limit @count;

-- name: BookAlso :many
select neighbour_id from neighbour where book_id = @book_id order by similarity desc, neighbour_id limit @count;

-- name: RatingPut :one
-- One statement, because every rating waits for it. Unchanged stars change nothing. False: there is no such book.
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
select exists (select from target);

-- name: RatingDelete :one
with gone as (
    delete from rating where reader_id = @reader_id and book_id = @book_id
    returning nextval('rating_change')
), reader_changed as (
    update reader set ratings_version = ratings_version + 1, ratings_changed_at = now()
    where reader.id = @reader_id and exists (select from gone)
)
select exists (select from book b where b.id = @book_id);

-- name: BookSearch :many
-- The books that have most of the needed tokens, best first. A token is one or more ranges of words; whole is how much
-- a word counts that is the range's first, part any other. exact is the title that goes before all. Each range is read
-- by itself (offset 0 keeps it so): a join that the planner is free to turn round has it read every word of every book.
with pattern as (
    select unnest(@tokens::int[]) as token, unnest(@lows::text[]) as low, unnest(@highs::text[]) as high,
        unnest(@wholes::int[]) as whole, unnest(@parts::int[]) as part, unnest(@needed::int[]) as needed
), hit as (
    select p.token, w.book_id, max(p.needed) as needed,
        max(w.weight * case when w.word = p.low then p.whole else p.part end) as weight
    from pattern p
    cross join lateral (
        select bw.word, bw.book_id, bw.weight from book_word bw where bw.word >= p.low and bw.word < p.high offset 0) w
    group by p.token, w.book_id
), found as (
    select hit.book_id, sum(hit.needed)::int as tokens, sum(hit.weight) as weight
    from hit
    left join book_subject s on s.subject = @subject::text and s.book_id = hit.book_id
    where @subject = '' or s.book_id is not null
    group by hit.book_id having sum(hit.needed) >= @least::int
)
select found.book_id, found.tokens, (count(*) over ())::int as total
from found
left join popularity p on p.book_id = found.book_id
left join book_word titled on titled.word = @exact::text and titled.book_id = found.book_id
where found.tokens = (select max(f.tokens) from found f)
order by titled.book_id is null, found.weight desc, p.score desc nulls last, found.book_id
limit @count offset @skip;

-- name: BookBrowse :many
-- All books, the best loved first.
select b.id from book b
left join popularity p on p.book_id = b.id
order by p.score desc nulls last, b.title, b.id
limit @count offset @skip;

-- name: BookCount :one
select count(*)::int from book;

-- name: BookBrowseSubject :many
-- The books of a subject, the best loved first.
select b.id, (count(*) over ())::int as total
from book_subject s
join book b on b.id = s.book_id
left join popularity p on p.book_id = b.id
where s.subject = @subject
order by p.score desc nulls last, b.title, b.id
limit @count offset @skip;

-- name: WordRangesKnown :many
-- The numbers, from 1, of the ranges in which there is a word at all.
select r.n::int from (
    select unnest(@lows::text[]) as low, unnest(@highs::text[]) as high, generate_subscripts(@lows::text[], 1) as n) r
where exists (select from book_word w where w.word >= r.low and w.word < r.high);

-- name: WordsByVariant :many
select distinct word from word_variant where variant = any(@variants::text[]);

-- name: WordsOfBook :many
select word from book_word where book_id = @book_id and word = any(@words::text[]);

-- name: BookFacts :many
-- What books are found by.
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
-- Takes from these books the words that the pairs do not name, and returns those that no book may have any more.
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
-- Forgets words that no book has. A word's own variants are named, because the index is by variant.
delete from word_variant v
where v.variant = any(@variants::text[]) and v.word = any(@words::text[])
    and not exists (select from book_word bw where bw.word = v.word);
