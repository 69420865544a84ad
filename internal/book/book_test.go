package book_test

import (
	"errors"
	"math"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/book"
)

func TestNames(t *testing.T) {
	t.Parallel()
	for want, names := range map[string][]string{
		"":                               nil,
		"Jane Austen":                    {"Jane Austen"},
		"Karl Marx and Friedrich Engels": {"Karl Marx", "Friedrich Engels"},
		"A, B, C and D":                  {"A", "B", "C", "D"},
		"A, B, C and others":             {"A", "B", "C", "D", "E"},
	} {
		if got := book.Names(names); got != want {
			t.Errorf("Names(%q) = %q, want %q", names, got, want)
		}
	}
}

func TestYears(t *testing.T) {
	t.Parallel()
	for want, year := range map[string]*int16{"": nil, "1869": new(int16(1869)), "8": new(int16(8)), "750 BC": new(int16(-750))} {
		if got := book.YearText(year); got != want {
			t.Errorf("YearText = %q, want %q", got, want)
		}
	}
	for want, life := range map[string][2]*int16{
		"": {}, "1775–1817": {new(int16(1775)), new(int16(1817))}, "70–19 BC": {new(int16(-70)), new(int16(-19))},
		"43 BC–17": {new(int16(-43)), new(int16(17))}, "born 1950": {new(int16(1950)), nil}, "died 456 BC": {nil, new(int16(-456))},
	} {
		if got := book.Life(life[0], life[1]); got != want {
			t.Errorf("Life = %q, want %q", got, want)
		}
	}
}

func TestGet(t *testing.T) {
	t.Parallel()
	ctx, db := t.Context(), library(t, small())
	id := func(title string) int64 { return scan[int64](t, db, "select id from book where title = $1", title) }
	manifesto := id("The Communist Manifesto")
	for _, stars := range []book.Stars{10, 9, 2} {
		reader := newReader(t, db)
		if err := inTx(ctx, db, func(tx pgx.Tx) error { return book.Rate(ctx, tx, reader, manifesto, stars) }); err != nil {
			t.Fatal(err)
		}
	}
	d, err := book.Get(ctx, db, manifesto)
	if err != nil {
		t.Fatal(err)
	}
	if d.Authors != "Karl Marx and Friedrich Engels" || len(d.By) != 2 || d.By[1].Life != "1820–1895" || d.By[0].ID == 0 ||
		d.Year != "1848" || d.Average != 3.5 || d.Ratings != 3 {
		t.Errorf("got %+v", d)
	}
	d, err = book.Get(ctx, db, id("The Odyssey"))
	if err != nil {
		t.Fatal(err)
	}
	if d.Year != "700 BC" || d.OriginalTitle != "Ὀδύσσεια" || len(d.Subjects) != 1 || d.Subjects[0] != (book.Subject{Key: "sea", Name: "The sea"}) || d.Ratings != 0 {
		t.Errorf("got %+v", d)
	}
	for _, unknown := range []int64{0, -1, math.MaxInt64} {
		if _, err := book.Get(ctx, db, unknown); !errors.Is(err, pgx.ErrNoRows) {
			t.Errorf("book %d: %v, want pgx.ErrNoRows", unknown, err)
		}
	}
	subjects, err := book.Subjects(ctx, db)
	if err != nil || len(subjects) != 3 || subjects[0] != (book.Subject{Key: "crime", Name: "Crime"}) {
		t.Errorf("subjects %+v, %v", subjects, err)
	}
}

func TestPopularAndAlso(t *testing.T) {
	t.Parallel()
	ctx, db := t.Context(), library(t, small())
	popular := func(limit int) string {
		t.Helper()
		cards, err := book.Popular(ctx, db, limit)
		if err != nil {
			t.Fatal(err)
		}
		return titles(cards)
	}
	if got, want := popular(2), "Crime and Punishment | Emma"; got != want {
		t.Errorf("before any rating %q, want %q", got, want)
	}
	if _, err := db.Exec(ctx, `
		insert into popularity select id, 3, case title when 'Jane Eyre' then 9 else 5 end from book where title in ('Tess of the d’Urbervilles', 'Jane Eyre', 'Emma');
		insert into neighbour select b.id, n.id, length(n.title) from book b, book n where b.title = 'Emma' and n.title in ('Jane Eyre', 'The Odyssey')`); err != nil {
		t.Fatal(err)
	}
	if got, want := popular(5), "Jane Eyre | Emma | Tess of the d’Urbervilles | Crime and Punishment | Emma’s Sea Voyage"; got != want {
		t.Errorf("popular %q, want %q", got, want)
	}
	if got := popular(1); got != "Jane Eyre" {
		t.Errorf("most popular %q", got)
	}
	emma := scan[int64](t, db, "select id from book where title = 'Emma'")
	for limit, want := range map[int]string{5: "The Odyssey | Jane Eyre", 1: "The Odyssey"} {
		if cards, err := book.Also(ctx, db, 0, emma, limit); err != nil || titles(cards) != want {
			t.Errorf("also %q, %v; want %q", titles(cards), err, want)
		}
	}
	if cards, err := book.Also(ctx, db, 0, math.MaxInt64, 5); err != nil || len(cards) != 0 {
		t.Errorf("of an unknown book %v, %v", cards, err)
	}
}
