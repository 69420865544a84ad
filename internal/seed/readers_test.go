package seed_test

import (
	"log/slog"
	"testing"

	"github.com/backlist/backlist/db"
	"github.com/backlist/backlist/internal/catalogue"
	"github.com/backlist/backlist/internal/demo"
	"github.com/backlist/backlist/internal/seed"
	"github.com/backlist/backlist/internal/testdb"
	"github.com/backlist/backlist/internal/work"
)

func TestReaders(t *testing.T) {
	t.Parallel()
	c, err := catalogue.Load()
	if err != nil {
		t.Fatal(err)
	}
	ctx, tx := t.Context(), testdb.Tx(t)
	if _, err := seed.Catalogue(ctx, tx, c); err != nil {
		t.Fatal(err)
	}
	jobs, err := work.NewInserter(nil, work.Options{Schema: db.RiverSchema, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	load := func(n, want int) {
		t.Helper()
		added, err := seed.Readers(ctx, tx, jobs, demo.Readers(c, n), "hash")
		if err != nil {
			t.Fatal(err)
		}
		if added != want {
			t.Errorf("%d of %d readers added, want %d", added, n, want)
		}
	}
	said := func(readers []demo.Reader) (ratings, shelved int) {
		for _, r := range readers {
			ratings, shelved = ratings+len(r.Ratings), shelved+len(r.Shelves)
		}
		return ratings, shelved
	}
	count := func(sql string, args ...any) int { t.Helper(); return scan[int](t, tx, sql, args...) }

	load(30, 30)
	ratings, shelved := said(demo.Readers(c, 30))
	if count("select count(*) from rating") != ratings || count("select count(*) from shelving") != shelved {
		t.Errorf("%d ratings of %d, %d shelved of %d",
			count("select count(*) from rating"), ratings, count("select count(*) from shelving"), shelved)
	}
	if lists, neighbours := count("select count(*) from river.river_job where kind = 'recommend_reader'"),
		count("select count(*) from river.river_job where kind = 'rebuild_neighbours'"); lists != 30 || neighbours != 1 {
		t.Errorf("%d jobs for lists and %d for neighbours, want 30 and 1", lists, neighbours)
	}
	if n := count("select last_value from rating_change"); n < ratings {
		t.Errorf("rating_change is %d after %d ratings", n, ratings)
	}
	if n := count(`select count(*) from reader where mail_ready or ratings_version <> 1 or ratings_changed_at is null
		or created_at > (select min(rated_at) from rating where reader_id = reader.id)`); n != 0 {
		t.Errorf("%d readers want mail, have another version than 1, or rated before they joined", n)
	}

	// A rating that an invented reader has removed stays removed, and a demonstration can grow.
	first := scan[int64](t, tx, "select min(reader_id) from rating")
	if _, err := tx.Exec(ctx, "delete from rating where reader_id = $1", first); err != nil {
		t.Fatal(err)
	}
	load(30, 0)
	if n := count("select count(*) from rating where reader_id = $1", first); n != 0 {
		t.Errorf("%d ratings came back", n)
	}
	load(40, 10)
}
