package book_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/book"
	"github.com/backlist/backlist/internal/catalogue"
	"github.com/backlist/backlist/internal/demo"
)

func TestLoadReaders(t *testing.T) {
	t.Parallel()
	c, err := catalogue.Load()
	if err != nil {
		t.Fatal(err)
	}
	ctx, db := t.Context(), library(t, c)
	load := func(n int) (added []int64) {
		t.Helper()
		start := time.Now()
		err := inTx(ctx, db, func(tx pgx.Tx) (err error) {
			added, err = book.LoadReaders(ctx, tx, demo.Readers(c, n), "hash")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("loading %d readers took %v", len(added), time.Since(start))
		return added
	}
	said := func(readers []demo.Reader) (ratings, shelved int) {
		for _, r := range readers {
			ratings, shelved = ratings+len(r.Ratings), shelved+len(r.Shelves)
		}
		return ratings, shelved
	}
	count := func(sql string, args ...any) int { t.Helper(); return scan[int](t, db, sql, args...) }

	first := load(30)
	ratings, shelved := said(demo.Readers(c, 30))
	if len(first) != 30 || count("select count(*) from rating") != ratings || count("select count(*) from shelving") != shelved {
		t.Errorf("%d readers added, %d ratings of %d, %d shelved of %d", len(first),
			count("select count(*) from rating"), ratings, count("select count(*) from shelving"), shelved)
	}
	if n := count("select last_value from rating_change"); n < ratings {
		t.Errorf("rating_change is %d after %d ratings", n, ratings)
	}
	if n := count(`select count(*) from reader where mail_ready or ratings_version <> 1 or ratings_changed_at is null
		or created_at > (select min(rated_at) from rating where reader_id = reader.id)`); n != 0 {
		t.Errorf("%d readers want mail, have another version than 1, or rated before they came", n)
	}

	// What an invented reader takes back stays so, and a demonstration can grow.
	if _, err := db.Exec(ctx, "delete from rating where reader_id = $1", first[0]); err != nil {
		t.Fatal(err)
	}
	if again := load(30); len(again) != 0 {
		t.Errorf("%d readers added by the same again", len(again))
	}
	if n := count("select count(*) from rating where reader_id = $1", first[0]); n != 0 {
		t.Errorf("%d ratings came back", n)
	}
	if more := load(40); len(more) != 10 {
		t.Errorf("%d readers added, want 10", len(more))
	}
}
