-- name: DismissalLast :one
-- The reader's latest dismissal, if it is younger than the given number of seconds.
select d.book_id, b.title
from dismissal d
join book b on b.id = d.book_id
where d.reader_id = $1 and d.dismissed_at > now() - make_interval(secs => sqlc.arg(seconds)::float8)
order by d.dismissed_at desc
limit 1;
