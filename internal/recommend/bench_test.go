package recommend

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/recommend/knn"
	"github.com/backlist/backlist/internal/store"
	"github.com/backlist/backlist/internal/testdb"
)

// recorder records the SQL that passes through it, so that the benchmark can explain the query that the site runs.
type recorder struct {
	store.DBTX
	sql string
}

func (r *recorder) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	r.sql = sql
	return r.DBTX.Query(ctx, sql, args...)
}

// BenchmarkChoose makes the list of a reader with 111 ratings from 500,000 pairs: 10,000 books with 50 neighbours each,
// popular books in far more pairs. -v prints the plan of the scoring query.
func BenchmarkChoose(b *testing.B) {
	pool := testdb.New(b)
	s := siteOn(b, pool, pool)
	first := s.book("The first")
	s.exec(`with a as (insert into author (key, name, sort_name) select 'a' || n, 'A', 'A' from generate_series(1, 4000) n returning id),
		 b as (insert into book (title, series, volume)
			select 'Book ' || n, case when n % 3 = 0 then 'Series ' || n / 9 else '' end, case when n % 3 = 0 then (n % 9 / 3 + 1)::text else '' end
			from generate_series(2, 10000) n returning id)
		insert into book_author (book_id, author_id) select b.id, (select min(id) from a) + b.id % 4000 from b`)
	began := time.Now()
	// Books with low numbers are neighbours more often, because popular books are neighbours of many.
	s.exec(`insert into neighbour (book_id, neighbour_id, similarity)
		select b, $1 + x, random() from generate_series($1::bigint, $1::bigint + 9999) b,
		lateral (select distinct floor(10000 * power(random(), 2))::bigint as x from generate_series(1, 70) where b > 0) d
		where $1 + x <> b`, first)
	s.exec(`delete from neighbour n using (select book_id, neighbour_id, row_number() over (partition by book_id order by similarity) nth
		from neighbour) d where d.book_id = n.book_id and d.neighbour_id = n.neighbour_id and nth > 50`)
	b.Logf("%d pairs in %v", one[int](s, "select count(*) from neighbour"), time.Since(began).Round(time.Millisecond))
	me := s.reader()
	s.exec(`insert into rating (reader_id, book_id, stars)
		select $1, $2 + floor(10000 * power(n / 112.0, 2))::bigint, 1 + n % 10 from generate_series(1, 111) n`, me, first)
	s.exec("vacuum analyze")

	rec := &recorder{DBTX: pool}
	if _, err := store.New().RecommendScore(b.Context(), rec, me, depth); err != nil {
		b.Fatal(err)
	}
	for range 2 { // the first run fills the cache
		rows, err := pool.Query(b.Context(), "explain (analyze, buffers) "+rec.sql, me, int32(depth))
		if err != nil {
			b.Fatal(err)
		}
		plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			b.Fatal(err)
		}
		b.Log("\n" + strings.Join(plan, "\n"))
	}
	for b.Loop() {
		c, err := choose(b.Context(), pool, me)
		if err != nil || len(c.books) != longest || c.basis != Neighbours {
			b.Fatalf("%d books, %s, %v", len(c.books), c.basis, err)
		}
	}
}

// BenchmarkRebuild runs the whole job for 300,000 ratings, from reading them to the commit.
func BenchmarkRebuild(b *testing.B) {
	pool := testdb.New(b)
	s := siteOn(b, pool, pool)
	first := s.book("The first")
	s.exec("insert into book (title) select 'Book ' || n from generate_series(2, 10000) n")
	s.exec("insert into reader (email, email_key, name, password_hash) select n || '@example.org', n, 'Odo', '' from generate_series(1, 2700) n")
	s.exec(`insert into rating (reader_id, book_id, stars)
		select r.id, $1 + floor(10000 * power(random(), 3))::bigint, 1 + floor(10 * random())
		from reader r, generate_series(1, 115) on conflict do nothing`, first)
	s.exec("vacuum analyze")
	b.Logf("%d ratings", one[int](s, "select count(*) from rating"))
	for b.Loop() {
		began := time.Now()
		ratings, err := load(b.Context(), pool)
		if err != nil {
			b.Fatal(err)
		}
		read := time.Since(began)
		near, err := knn.Neighbours(b.Context(), ratings, neighboursKept, knn.Shrink(ratings.Readers()), nil)
		if err != nil {
			b.Fatal(err)
		}
		counted := time.Since(began) - read
		err = pgx.BeginFunc(b.Context(), pool, func(tx pgx.Tx) error {
			began := time.Now()
			pairs, err := replace(b.Context(), tx, near, knn.Popularity(ratings))
			b.Logf("%d ratings read in %v, counted in %v, %d pairs written in %v",
				ratings.Len(), ms(read), ms(counted), pairs, ms(time.Since(began)))
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func ms(d time.Duration) time.Duration { return d.Round(time.Millisecond) }
