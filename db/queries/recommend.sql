-- name: RecommendScore :many
-- The row form of item-kNN: a candidate's score is the sum over its neighbours that the reader rated. It is one
-- statement, so that the version belongs to the ratings that it read. No row: the reader does not exist. One row with
-- book 0: no candidates. Only candidates near a book that the reader liked (3½ stars or more) count, because the others
-- have no reason to show. "not in" is a hash look-up for any estimate of a reader's shelves.
with mine as materialized (
    select book_id, stars from rating where rating.reader_id = @reader_id
), summed as (
    select n.book_id, sum(n.similarity * m.stars)::real as score
    from mine m
    join neighbour n on n.neighbour_id = m.book_id
    group by n.book_id
    having max(m.stars) >= 7
), scored as (
    select s.book_id, s.score from summed s
    where s.book_id not in (select m.book_id from mine m
        union all select x.book_id from shelving x where x.reader_id = @reader_id
        union all select x.book_id from dismissal x where x.reader_id = @reader_id)
    order by s.score desc, s.book_id
    limit @depth::int
)
select r.ratings_version, (select count(*) from mine)::int as ratings,
       coalesce(s.book_id, 0)::bigint as book_id, coalesce(s.score, 0)::real as score,
       coalesce(b.series, '')::text as series, coalesce(b.volume, '')::text as volume,
       array(select a.author_id from book_author a where a.book_id = s.book_id order by a.position)::bigint[] as author_ids,
       array(select n.neighbour_id from neighbour n join mine m on m.book_id = n.neighbour_id
             where n.book_id = s.book_id and m.stars >= 7
             order by n.similarity * m.stars desc, n.neighbour_id limit 3)::bigint[] as because
from reader r
left join scored s on true
left join book b on b.id = s.book_id
where r.id = @reader_id
order by s.score desc, s.book_id;

-- name: RecommendPopular :many
-- Popular books, preferring those by the authors and on the subjects of books that the reader liked. Without any
-- ratings, in the order of the catalogue.
with liked as materialized (
    select book_id from rating where rating.reader_id = @reader_id and stars >= 7
), by_author as materialized (
    select distinct b.author_id from book_author b join liked using (book_id)
), on_subject as materialized (
    select distinct b.subject from book_subject b join liked using (book_id)
), pool as (
    (select p.book_id from popularity p order by p.score desc, p.book_id limit 300)
    union
    (select b.book_id from book_author b join by_author using (author_id) limit 200)
    union
    (select b.id from book b order by b.id limit 300)
), ranked as (
    select q.book_id,
           ((1 + coalesce(p.score, 0))
            * (1 + 0.5 * (exists (select from book_author a join by_author using (author_id) where a.book_id = q.book_id))::int
                 + 0.1 * (select count(*) from (select from book_subject t join on_subject using (subject)
                                               where t.book_id = q.book_id limit 3) shared)))::real as score
    from pool q left join popularity p using (book_id)
    where not exists (select from rating x where x.reader_id = @reader_id and x.book_id = q.book_id)
      and not exists (select from shelving x where x.reader_id = @reader_id and x.book_id = q.book_id)
      and not exists (select from dismissal x where x.reader_id = @reader_id and x.book_id = q.book_id)
    order by 2 desc, 1
    limit @depth::int
)
select r.book_id, r.score, b.series, b.volume, b.title, b.year,
       array(select a.author_id from book_author a where a.book_id = r.book_id order by a.position)::bigint[] as author_ids,
       array(select a.name from book_author ba join author a on a.id = ba.author_id
             where ba.book_id = r.book_id order by ba.position)::text[] as authors
from ranked r join book b on b.id = r.book_id
order by r.score desc, r.book_id;

-- name: RecommendVolumes :many
-- All numbered volumes of some series, and which of them the reader has begun. (series <> '' allows a partial index.)
select b.series, b.volume,
       (exists (select from rating x where x.reader_id = @reader_id and x.book_id = b.id)
        or exists (select from shelving x where x.reader_id = @reader_id and x.book_id = b.id
                   and x.status in ('reading', 'read')))::bool as begun
from book b
where b.series = any(@series::text[]) and b.series <> '' and b.volume <> '';

-- name: RecommendLockReader :one
-- Locks the reader while a run is written. The caller has locked the reader's job before.
select ratings_version, mail_ready, email, time_zone from reader where id = @reader_id for no key update;

-- name: RecommendWrite :exec
-- The run and its whole list. because has one array literal per book, since a list of lists cannot be passed otherwise.
with run as (
    insert into recommendation_run (reader_id, ratings_version, basis, ratings)
    values (@reader_id, @ratings_version, @basis, @ratings)
    on conflict (reader_id) do update
    set ratings_version = excluded.ratings_version, basis = excluded.basis, ratings = excluded.ratings, made_at = now()
), gone as (
    delete from recommendation where reader_id = @reader_id and book_id <> all (@book_ids::bigint[])
)
insert into recommendation (reader_id, book_id, rank, score, because)
select @reader_id, u.book_id, u.rank::smallint, u.score, u.because::bigint[]
from (select unnest(@book_ids::bigint[]) as book_id, unnest(@scores::real[]) as score,
             unnest(@because::text[]) as because, generate_series(1, cardinality(@book_ids::bigint[])) as rank) u
on conflict (reader_id, book_id) do update
set rank = excluded.rank, score = excluded.score, because = excluded.because;

-- name: RecommendState :one
select r.ratings_version, r.ratings_changed_at,
       (select count(*) from rating where reader_id = r.id)::int as ratings,
       coalesce(run.ratings_version, -1)::bigint as run_version, coalesce(run.basis, '')::text as basis, run.made_at
from reader r left join recommendation_run run on run.reader_id = r.id
where r.id = @reader_id;

-- name: RecommendList :many
-- The stored list, without books rated, shelved or dismissed since the run, and without reasons that the reader no
-- longer likes.
select c.book_id, c.rank, b.title, b.year, b.series, b.volume,
       array(select a.name from book_author ba join author a on a.id = ba.author_id
             where ba.book_id = c.book_id order by ba.position)::text[] as authors,
       coalesce(why.ids, '{}')::bigint[] as reason_ids, coalesce(why.titles, '{}')::text[] as reason_titles
from recommendation c
join book b on b.id = c.book_id
left join lateral (
    select array_agg(w.id order by u.nth) as ids, array_agg(w.title order by u.nth) as titles
    from unnest(c.because) with ordinality as u (book_id, nth)
    join book w on w.id = u.book_id
    join rating r on r.reader_id = c.reader_id and r.book_id = w.id and r.stars >= 7
) why on true
where c.reader_id = @reader_id
  and not exists (select from rating x where x.reader_id = c.reader_id and x.book_id = c.book_id)
  and not exists (select from shelving x where x.reader_id = c.reader_id and x.book_id = c.book_id)
  and not exists (select from dismissal x where x.reader_id = c.reader_id and x.book_id = c.book_id)
order by c.rank, c.book_id
limit @most::int;

-- name: RecommendDismiss :exec
-- It locks the reader's row first, like every change of recommendations.
with me as materialized (
    select m.id from reader m where m.id = @reader_id for no key update
), fresh as (
    insert into dismissal (reader_id, book_id)
    select me.id, b.id from me join book b on b.id = @book_id
    on conflict do nothing
    returning 1
), gone as (
    delete from recommendation using me where reader_id = me.id and book_id = @book_id
), bump as (
    update reader set ratings_version = ratings_version + 1, ratings_changed_at = now()
    from me where reader.id = me.id and exists (select from fresh)
)
select 1 / count(*) from book where book.id = @book_id;

-- name: RecommendUndismiss :exec
with me as materialized (
    select m.id from reader m where m.id = @reader_id for no key update
), back as (
    delete from dismissal using me where reader_id = me.id and book_id = @book_id
    returning 1
)
update reader set ratings_version = ratings_version + 1, ratings_changed_at = now()
from me where reader.id = me.id and exists (select from back);

-- name: RecommendLetterTo :one
select name, mail_ready from reader where id = @reader_id;

-- name: RecommendChanges :one
-- The number of changes of ratings so far, the number when the last build of neighbours began (-1: no build yet), and
-- the number of ratings in that build.
select coalesce(pg_sequence_last_value('rating_change'::regclass), 0)::bigint as now,
       coalesce(b.rating_change, -1)::bigint as built, coalesce(b.ratings, 0)::int as ratings
from (values (1)) one left join (select * from neighbour_build order by id desc limit 1) b on true;

-- name: RecommendBuildInsert :exec
insert into neighbour_build (readers, ratings, pairs, rating_change, took)
values (@readers, @ratings, @pairs, @rating_change, @took);

-- name: RecommendPopularWords :exec
-- Makes popular_word follow popularity. Most books keep their tier, and then their rows stay. Analyse the table afterwards: a plan for
-- an empty table would compare each row with each.
with ranked as materialized (
    select r.book_id, (case when n <= 1000 then 7 when n <= 2000 then 6 when n <= 4000 then 5 when n <= 8000 then 4
        when n <= 16000 then 3 when n <= 32000 then 2 else 1 end)::smallint as tier
    from (select book_id, row_number() over (order by score desc, book_id) as n from popularity order by score desc, book_id limit 64000) r
), wanted as materialized (
    select r.tier, w.word, w.book_id, w.weight from ranked r join book_word w on w.book_id = r.book_id where w.weight > 0
), gone as (
    delete from popular_word p
    where not exists (select from wanted w where w.tier = p.tier and w.word = p.word and w.book_id = p.book_id)
)
insert into popular_word as p (tier, word, book_id, weight)
select w.tier, w.word, w.book_id, w.weight from wanted w
on conflict (tier, word, book_id) do update set weight = excluded.weight where p.weight <> excluded.weight;

-- name: RecommendCountRatings :exec
-- Counts the ratings of popular books that rating_count does not count from their beginning. What it has counted since is subtracted, in
-- the same snapshot, so that readers may go on rating.
insert into rating_count (book_id, part, ratings, stars)
select p.book_id, 0, r.ratings - coalesce(c.ratings, 0), r.stars - coalesce(c.stars, 0)
from popularity p
cross join lateral (select count(*) as ratings, coalesce(sum(stars), 0) as stars from rating where rating.book_id = p.book_id) r
cross join lateral (select sum(ratings) as ratings, sum(stars) as stars from rating_count where rating_count.book_id = p.book_id) c
where not exists (select from rating_count z where z.book_id = p.book_id and z.part = 0)
on conflict do nothing;

-- name: RecommendOverlooked :many
-- Readers with a list of popular books although neighbours of a book that they like are now known, the latest first.
select run.reader_id
from recommendation_run run join reader r on r.id = run.reader_id
where run.basis = 'popular'
  and (select count(*) from rating x where x.reader_id = run.reader_id) >= @min_ratings::int
  and exists (select from rating x join neighbour n on n.neighbour_id = x.book_id
              where x.reader_id = run.reader_id and x.stars >= 7)
order by r.ratings_changed_at desc nulls last, run.reader_id
limit @most::int;
