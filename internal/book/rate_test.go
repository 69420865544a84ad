package book_test

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"golang.org/x/sync/errgroup"

	"github.com/backlist/backlist/internal/book"
	"github.com/backlist/backlist/internal/testdb"
)

func TestRate(t *testing.T) {
	t.Parallel()
	ctx, tx := t.Context(), testdb.Tx(t)
	reader, id := newReader(t, tx), newBook(t, tx, "Emma")
	type state struct {
		stars   int
		version int64
	}
	now := func() (s state) {
		s.stars = scan[int](t, tx, "select coalesce((select stars from rating where reader_id = $1 and book_id = $2), 0)", reader, id)
		s.version = scan[int64](t, tx, "select ratings_version from reader where id = $1", reader)
		return s
	}
	changes := func() int64 {
		return scan[int64](t, tx, "select last_value - (not is_called)::int from rating_change")
	}
	steps := []struct {
		stars book.Stars
		want  state
	}{
		{1, state{1, 1}},
		{10, state{10, 2}},
		{10, state{10, 2}}, // the same stars again change nothing
		{book.None, state{0, 3}},
		{book.None, state{0, 3}},
		{7, state{7, 4}},
	}
	for i, step := range steps {
		before, was := changes(), now()
		if err := book.Rate(ctx, tx, reader, id, step.stars); err != nil {
			t.Fatal(err)
		}
		if got := now(); got != step.want {
			t.Errorf("step %d: %+v, want %+v", i, got, step.want)
		}
		// Other tests use the sequence too, so it may rise by more, but never by less.
		if changed := was != step.want; changed && changes() <= before {
			t.Errorf("step %d: rating_change stays at %d", i, before)
		}
	}
	if scan[bool](t, tx, "select ratings_changed_at is null from reader where id = $1", reader) {
		t.Error("ratings_changed_at is not set")
	}
}

// TestRateRace: concurrent ratings of one reader are all stored, and each raises the version.
func TestRateRace(t *testing.T) {
	t.Parallel()
	ctx, db := t.Context(), testdb.New(t)
	reader, same := newReader(t, db), newBook(t, db, "Emma")
	const each = 10
	var group errgroup.Group
	for n := range each {
		id := newBook(t, db, fmt.Sprint("Book ", n))
		group.Go(func() error {
			return inTx(ctx, db, func(tx pgx.Tx) error { return book.Rate(ctx, tx, reader, id, 5) })
		})
		group.Go(func() error {
			return inTx(ctx, db, func(tx pgx.Tx) error { return book.Rate(ctx, tx, reader, same, 5) })
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	if v := scan[int](t, db, "select ratings_version from reader where id = $1", reader); v != each+1 {
		t.Errorf("ratings version %d after %d changes", v, each+1)
	}
	if n := scan[int](t, db, "select count(*) from rating where reader_id = $1", reader); n != each+1 {
		t.Errorf("%d ratings, want %d", n, each+1)
	}
}

func TestRateUnknownBook(t *testing.T) {
	t.Parallel()
	ctx, tx := t.Context(), testdb.Tx(t)
	reader := newReader(t, tx)
	for _, id := range []int64{0, -1, math.MaxInt64} {
		for _, stars := range []book.Stars{5, book.None} {
			err := pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error { return book.Rate(ctx, tx, reader, id, stars) })
			if !errors.Is(err, pgx.ErrNoRows) {
				t.Errorf("book %d: %v, want pgx.ErrNoRows", id, err)
			}
		}
	}
	if v := scan[int64](t, tx, "select ratings_version from reader where id = $1", reader); v != 0 {
		t.Errorf("ratings version %d, want 0", v)
	}
}

func TestRateBounds(t *testing.T) {
	t.Parallel()
	ctx, tx := t.Context(), testdb.Tx(t)
	reader, id := newReader(t, tx), newBook(t, tx, "Emma")
	for _, stars := range []book.Stars{-1, 11} {
		err := pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error { return book.Rate(ctx, tx, reader, id, stars) })
		if pgErr, ok := errors.AsType[*pgconn.PgError](err); !ok || pgErr.Code != "23514" {
			t.Errorf("%d half stars: %v, want the table to refuse", stars, err)
		}
	}
}

func TestMine(t *testing.T) {
	t.Parallel()
	ctx, tx := t.Context(), testdb.Tx(t)
	reader, other := newReader(t, tx), newReader(t, tx)
	rated, shelved, both, neither := newBook(t, tx, "A"), newBook(t, tx, "B"), newBook(t, tx, "C"), newBook(t, tx, "D")
	for _, r := range []struct {
		reader, book int64
		stars        book.Stars
	}{{reader, rated, 3}, {reader, both, 10}, {other, neither, 1}} {
		if err := book.Rate(ctx, tx, r.reader, r.book, r.stars); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := tx.Exec(ctx, "insert into shelving values ($1, $2, 'reading'), ($1, $3, 'to-read')", reader, shelved, both); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[int64]book.Said{
		rated: {Stars: 3}, shelved: {Shelf: "reading"}, both: {Stars: 10, Shelf: "to-read"}, neither: {}, math.MaxInt64: {},
	} {
		if got, err := book.Mine(ctx, tx, reader, id); err != nil || got != want {
			t.Errorf("book %d: %+v, %v, want %+v", id, got, err, want)
		}
		if got, err := book.Mine(ctx, tx, 0, id); err != nil || got != (book.Said{}) {
			t.Errorf("book %d of a visitor: %+v, %v", id, got, err)
		}
	}
	ids := []int64{neither, both, math.MaxInt64, shelved, rated}
	cards, err := book.Cards(ctx, tx, reader, ids)
	if err != nil {
		t.Fatal(err)
	}
	want := []book.Said{{}, {Stars: 10, Shelf: "to-read"}, {Shelf: "reading"}, {Stars: 3}}
	for i, c := range cards {
		if i >= len(want) || c.Mine != want[i] {
			t.Errorf("card %d: %+v", i, c)
		}
	}
	if len(cards) != len(want) {
		t.Errorf("%d cards, want %d", len(cards), len(want))
	}
}
