-- Searches read the words of the most popular books first, and pages read how many ratings a book has instead of counting them.
-- Nothing here reads or rewrites a large table. The next rebuild_neighbours fills both tables; until then searches read all words,
-- and pages count.

create table popular_word (
    tier    smallint not null check (tier between 1 and 7),
    word    text not null collate "C",
    book_id bigint not null references book on delete cascade,
    weight  smallint not null,
    primary key (tier, word, book_id) include (weight)
);
create index popular_word_book_id on popular_word (book_id);
comment on table popular_word is
    'The words of the most popular books, again, in the order in which a search wants them. As of the last rebuild_neighbours.';
comment on column popular_word.tier is
    '7 for the 1,000 most popular books, 6 for the next 1,000, 5 for the next 2,000, and so on, doubling, to 1 for the last of 64,000.';

-- The number of a book's ratings and the sum of their stars are sums over its parts, so that readers who rate one book at once
-- need not wait for each other.
create table rating_count (
    book_id bigint not null references book on delete cascade,
    part    bigint not null,
    ratings int not null,
    stars   bigint not null,
    primary key (book_id, part)
) with (fillfactor = 70);
comment on table rating_count is 'Changes of ratings by book, counted by triggers in the transaction that makes them.';
comment on column rating_count.part is
    'The transaction that made the part, of which all others were held then. Part 0 also has the ratings from before the triggers: those of a book without it must be counted.';
comment on column rating_count.ratings is 'May be negative in one part: the rating that was removed counts in another.';
comment on column rating_count.stars is 'The sum of their half stars.';

-- Adds to a part of a book that no other transaction holds, or to a further part if all are held: there are as many as there were
-- transactions at once.
create function count_rating(book bigint, more int, stars bigint) returns void language plpgsql as $$
declare
    free bigint;
begin
    select c.part into free from rating_count c where c.book_id = book order by c.part limit 1 for update skip locked;
    if found then
        update rating_count c set ratings = c.ratings + more, stars = c.stars + count_rating.stars where c.book_id = book and c.part = free;
    else
        insert into rating_count as c (book_id, part, ratings, stars)
        select b.id, pg_current_xact_id()::text::bigint, more, count_rating.stars from book b where b.id = book -- none while the book is deleted
        on conflict (book_id, part) do update set ratings = c.ratings + excluded.ratings, stars = c.stars + excluded.stars;
    end if;
end $$;

-- In the order of the books, so that two transactions with many ratings each do not wait for each other.
create function rating_changed() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        perform count_rating(a.book_id, a.ratings, a.stars)
        from (select book_id, count(*)::int as ratings, sum(stars) as stars from added group by book_id order by book_id) a;
    elsif tg_op = 'DELETE' then
        perform count_rating(r.book_id, -r.ratings, -r.stars)
        from (select book_id, count(*)::int as ratings, sum(stars) as stars from removed group by book_id order by book_id) r;
    else
        perform count_rating(c.book_id, c.ratings, c.stars)
        from (select book_id, sum(sign)::int as ratings, sum(sign * stars) as stars
              from (select book_id, 1 as sign, stars from added union all select book_id, -1, stars from removed) both_sides
              group by book_id order by book_id) c;
    end if;
    return null;
end $$;
create trigger rating_added after insert on rating
    referencing new table as added for each statement execute function rating_changed();
create trigger rating_replaced after update on rating
    referencing old table as removed new table as added for each statement execute function rating_changed();
create trigger rating_removed after delete on rating
    referencing old table as removed for each statement execute function rating_changed();

-- As if ratings had changed, so that the next scheduled rebuild_neighbours runs.
update neighbour_build set rating_change = -1 where id = (select max(id) from neighbour_build);
