package book_test

import (
	"context"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/book"
	"github.com/backlist/backlist/internal/store"
	"github.com/backlist/backlist/internal/testdb"
)

// counted returns what rating_count says of a book, and what counting says.
func counted(t *testing.T, db store.DBTX, bookID int64) (kept, said [2]int) {
	t.Helper()
	err := db.QueryRow(t.Context(), `select coalesce(sum(c.ratings), 0), coalesce(sum(c.stars), 0),
		(select count(*) from rating where book_id = $1), (select coalesce(sum(stars), 0) from rating where book_id = $1)
		from rating_count c where book_id = $1`, bookID).Scan(&kept[0], &kept[1], &said[0], &said[1])
	if err != nil {
		t.Fatal(err)
	}
	return kept, said
}

// TestRatingCounts: readers who rate, change and remove ratings of one book at once are all counted, none waits for the transaction
// of another, and books and readers can be deleted.
func TestRatingCounts(t *testing.T) {
	t.Parallel()
	db := testdb.New(t)
	ctx := t.Context()
	popular, other := newBook(t, db, "Emma"), newBook(t, db, "Persuasion")
	var readers []int64
	for range 8 {
		readers = append(readers, newReader(t, db))
	}
	rate := func(ctx context.Context, tx pgx.Tx, reader, id int64, stars book.Stars) {
		if err := book.Rate(ctx, tx, reader, id, stars); err != nil {
			t.Error(err)
		}
	}
	check := func(id int64) {
		t.Helper()
		if kept, said := counted(t, db, id); kept != said {
			t.Errorf("book %d: counted %v, there are %v", id, kept, said)
		}
	}
	// All are open at the same moment: with one row for a book, the second would wait for the first to commit.
	all := allAtOnce(t, db, readers, func(tx pgx.Tx, reader int64) {
		rate(ctx, tx, reader, popular, book.Stars(1+reader%10))
		rate(ctx, tx, reader, other, 7)
	})
	all(true)
	check(popular)
	check(other)
	if _, err := db.Exec(ctx, "update rating_count set part = part + 5e9"); err != nil { // as in a database that has seen many transactions
		t.Fatal(err)
	}
	allAtOnce(t, db, readers, func(tx pgx.Tx, reader int64) {
		rate(ctx, tx, reader, popular, book.Stars(reader%4)) // removes some
	})(true)
	check(popular)
	allAtOnce(t, db, readers, func(tx pgx.Tx, reader int64) { rate(ctx, tx, reader, popular, 10) })(false)
	check(popular)
	for _, sql := range []string{"delete from reader where id = $1", "update rating set stars = 11 - stars where reader_id <> $1"} {
		if _, err := db.Exec(ctx, sql, readers[0]); err != nil {
			t.Fatal(err)
		}
		check(popular)
		check(other)
	}
	if _, err := db.Exec(ctx, "delete from book where id = $1", popular); err != nil {
		t.Fatal(err)
	}
	if left := scan[int](t, db, "select count(*) from rating_count where book_id = $1", popular); left != 0 {
		t.Errorf("%d parts of a deleted book", left)
	}
}

// allAtOnce runs change for each reader in a transaction of its own, and returns what ends all of them: with a commit, or without.
func allAtOnce(t *testing.T, db *pgxpool.Pool, readers []int64, change func(tx pgx.Tx, reader int64)) func(commit bool) {
	t.Helper()
	var open []pgx.Tx
	for _, reader := range readers {
		conn, err := pgx.ConnectConfig(t.Context(), db.Config().ConnConfig)
		if err != nil {
			t.Fatal(err)
		}
		tx, err := conn.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		change(tx, reader)
		open = append(open, tx)
	}
	return func(commit bool) {
		var wg sync.WaitGroup
		for _, tx := range open {
			wg.Go(func() {
				defer tx.Conn().Close(context.Background())
				if !commit {
					if err := tx.Rollback(t.Context()); err != nil {
						t.Error(err)
					}
				} else if err := tx.Commit(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
}

// TestCardsReadCounts: a card shows the ratings of this moment, whether the book's are counted from their beginning or not.
func TestCardsReadCounts(t *testing.T) {
	t.Parallel()
	tx := testdb.Tx(t)
	id := newBook(t, tx, "Emma")
	rate := func(stars book.Stars) {
		if err := book.Rate(t.Context(), tx, newReader(t, tx), id, stars); err != nil {
			t.Fatal(err)
		}
	}
	check := func(ratings int, average float64) {
		t.Helper()
		cards, err := book.Cards(t.Context(), tx, 0, []int64{id})
		if err != nil || cards[0].Ratings != ratings || cards[0].Average != average {
			t.Errorf("%v, %v; want %d ratings, %g on average", cards, err, ratings, average)
		}
		if d, err := book.Get(t.Context(), tx, id); err != nil || d.Ratings != ratings || d.Average != average {
			t.Errorf("%v, %v; want %d ratings, %g on average", d.Card, err, ratings, average)
		}
	}
	check(0, 0)
	if _, err := tx.Exec(t.Context(), "alter table rating disable trigger user"); err != nil { // an older schema's
		t.Fatal(err)
	}
	rate(4)
	rate(6)
	if _, err := tx.Exec(t.Context(), "alter table rating enable trigger user"); err != nil {
		t.Fatal(err)
	}
	rate(8)
	check(3, 3)
	if _, err := tx.Exec(t.Context(), "insert into popularity select book_id, 3, 1 from rating limit 1"); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time there is nothing to count
		if err := store.New().RecommendCountRatings(t.Context(), tx); err != nil {
			t.Fatal(err)
		}
		check(3, 3)
	}
	if _, err := tx.Exec(t.Context(), "alter table rating disable trigger user; delete from rating"); err != nil {
		t.Fatal(err)
	}
	check(3, 3) // they are not counted again
	if _, err := tx.Exec(t.Context(), "alter table rating enable trigger user"); err != nil {
		t.Fatal(err)
	}
	rate(2)
	check(4, 2.5)
}
