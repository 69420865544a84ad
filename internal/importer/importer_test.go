package importer

import (
	"errors"
	"strings"
	"testing"

	"github.com/backlist/backlist/internal/book"
	"github.com/backlist/backlist/internal/shelf"
)

const header = "title,author,rating,shelf,series,volume,year,isbn,finished\n"

// TestImport imports a file of every format twice: the second time changes nothing.
func TestImport(t *testing.T) {
	for name, want := range map[string]map[string]int{
		"goodreads_24.csv":         {Added: 9, Skipped: 1},
		"goodreads_31.csv":         {Added: 2, Merged: 1},
		"goodreads_bad_values.csv": {Added: 7, Failed: 7},
		"goodreads_bad_isbn.csv":   {Added: 7, Merged: 2},
		"storygraph.csv":           {Added: 4, Merged: 1},
		"librarything_latin1.tsv":  {Added: 4, Skipped: 1},
		"plain.csv":                {Added: 5},
		"backlist.csv":             {Added: 2, Skipped: 1},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			in := b.imports(fixture(t, name))
			b.wants(in, want)
			books, opinions := b.value("select count(*) from book"), b.value("select coalesce(sum(stars), 0) from rating where reader_id = $1", b.me)
			version := b.value("select ratings_version from reader where id = $1", b.me)
			if version != 1 {
				t.Errorf("the import changed the reader %d times, want once", version)
			}
			again := b.imports(fixture(t, name))
			want := map[string]int{Same: want[Added], Skipped: want[Skipped], Failed: want[Failed], Merged: want[Merged]}
			for outcome, n := range want {
				if n == 0 {
					delete(want, outcome)
				}
			}
			b.wants(again, want)
			if n := b.value("select count(*) from book"); n != books {
				t.Errorf("the second import added %d books", n-books)
			}
			if n := b.value("select coalesce(sum(stars), 0) from rating where reader_id = $1", b.me); n != opinions {
				t.Errorf("the second import changed the ratings")
			}
			if n := b.value("select ratings_version from reader where id = $1", b.me); n != version {
				t.Error("the second import asks for new recommendations")
			}
		})
	}
}

func TestMatching(t *testing.T) {
	b := newBench(t)
	whale := b.book("Quay-Dick; or, The Whale", "Herbert Melwood")
	b.exec("update book set year = 1851 where id = $1", whale)
	first := b.book("Mage: Apprentice", "Ray Fest")
	b.exec("insert into book_key (kind, value, book_id) values ('isbn10', '080442957X', $1)", first)
	accent := b.book("Les Années vertes", "Zoé Émile")
	saga2 := b.book("Berg", "Ken Mi")
	b.exec("update book set series = 'Berg', volume = '2' where id = $1", saga2)
	in := b.imports(header +
		"Quay Dick,\"Melwood, Herbert\",4,read,,,1851,,\n" + // no subtitle, the year is the same
		"Quay-Dick,Herbert Melwood,3,read,,,1999,,\n" + // no subtitle, another year: unclear
		"Mage: Master,Ray Fest,4,read,,,,,\n" + // another subtitle: new
		"Der Magier: Lehrling,Ray Fest,2,read,,,,978-0-8044-2957-3,\n" + // a translation, by the other form of the ISBN
		"Something Else,Other Writer,2,read,,,,080442957X,\n" + // the ISBN of another book
		"LES ANNEES VERTES,Z. Emile,5,read,,,,,\n" + // accents, case and an initial
		"Les annees vertes,Anton Emile,1,read,,,,,\n" + // another first name
		"Berg (Berg #2),Ken Mi,3,,,,,,\n" +
		"Berg (Berg #3),Ken Mi,3,,,,,,\n" + // another volume: new
		"Berg,Ken Mi,1,,,,,,\n" + // any volume: unclear
		"The New One,A. Neuer,5,read,,,,,\n" +
		"New One,Anna Neuer,5,read,,,,,2020-01-01\n") // as the row before
	b.wants(in, map[string]int{Added: 7, Unclear: 4, Merged: 1})
	if stars, on := b.said(whale); stars != 8 || on != "read" {
		t.Errorf("the whale: %d half stars, %q", stars, on)
	}
	for _, c := range []struct {
		book  int64
		stars int
	}{{first, 4}, {accent, 10}, {saga2, 6}} {
		if stars, _ := b.said(c.book); stars != c.stars {
			t.Errorf("book %d: %d half stars, want %d", c.book, stars, c.stars)
		}
	}
	unclear := b.rows(in, Unclear)
	for i, want := range []string{"similar", "another title", "similar", ""} {
		if !strings.Contains(unclear[i].Reason, want) || len(unclear[i].Candidates) == 0 {
			t.Errorf("%+v, want %q", unclear[i], want)
		}
	}
}

// TestSettle: a reader decides an unclear row in each way, once.
func TestSettle(t *testing.T) {
	b := newBench(t)
	old := b.book("Quay-Dick; or, The Whale", "Herbert Melwood")
	in := b.imports(header + "Quay Dick,Herbert Melwood,4,read,,,,,\nQuay Dick,Herman Melwood,3,read,,,,,\nQuay Dick,H. Melwood,2,,,,,,\n")
	b.wants(in, map[string]int{Unclear: 3})
	settle := func(n int, choice int64) error {
		return Settle(t.Context(), b.tx, b.jobs, b.me, in.ID, int32(n), choice)
	}
	for n, choice := range []int64{old, ChooseNew, ChooseSkip} {
		if err := settle(n+1, choice); err != nil {
			t.Fatal(err)
		}
	}
	b.wants(b.get(in.ID), map[string]int{Added: 2, Skipped: 1})
	if stars, _ := b.said(old); stars != 8 {
		t.Errorf("%d half stars", stars)
	}
	if n := b.value("select count(*) from book where title = 'Quay Dick'"); n != 1 {
		t.Errorf("%d new books", n)
	}
	if err := settle(1, old); !errors.Is(err, ErrOver) {
		t.Errorf("settled twice: %v", err)
	}
}

// TestOwnChangesWin: what the reader changes here after an import stays, and is listed; what only the file changes is changed.
func TestOwnChangesWin(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	ids := map[string]int64{}
	for _, title := range []string{"Rated", "Moved", "Removed", "Untouched", "Before"} {
		ids[title] = b.book(title, "Ann Bo")
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(book.Rate(ctx, b.tx, b.me, ids["Before"], 2))
	rows := func(stars, on string) string {
		text := header
		for _, title := range []string{"Rated", "Moved", "Removed", "Untouched", "Before"} {
			text += title + ",Ann Bo," + stars + "," + on + ",,,,,\n"
		}
		return text
	}
	in := b.imports(rows("4", "read"))
	b.wants(in, map[string]int{Added: 4, KeptOwn: 1})
	must(book.Rate(ctx, b.tx, b.me, ids["Rated"], 9))
	must(shelf.Put(ctx, b.tx, b.me, ids["Moved"], shelf.ToRead))
	must(book.Unrate(ctx, b.tx, b.me, ids["Removed"]))
	again := b.imports(rows("3", "to-read"))
	b.wants(again, map[string]int{KeptOwn: 3, Changed: 2})
	for title, want := range map[string]int{"Rated": 9, "Moved": 6, "Removed": 0, "Untouched": 6, "Before": 2} {
		if stars, _ := b.said(ids[title]); stars != want {
			t.Errorf("%s has %d half stars, want %d", title, stars, want)
		}
	}
	if _, on := b.said(ids["Untouched"]); on != "read" {
		t.Errorf("a finished book went back to %q", on)
	}
	kept := b.rows(again, KeptOwn)
	if !strings.Contains(kept[0].Reason, "Here you gave it 4.5 stars; the file has 3 stars.") {
		t.Errorf("reason %q", kept[0].Reason)
	}
}

// TestUndo: everything is as before, except what the reader changed since and what others have.
func TestUndo(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	had := b.book("Had", "Ann Bo")
	b.exec("insert into rating (reader_id, book_id, stars, rated_at) values ($1, $2, 4, '2020-01-01')", b.me, had)
	b.exec("insert into imported (reader_id, book_id, stars) values ($1, $2, 4)", b.me, had)
	in := b.imports(header + "Had,Ann Bo,5,read,,,,,\nMine,Cy Do,4,read,,,,,\nTheirs,Cy Do,4,read,,,,,\nKept,Cy Do,4,read,,,,,\n")
	b.wants(in, map[string]int{Changed: 1, Added: 3})
	theirs, kept := b.value("select id from book where title = 'Theirs'"), b.value("select id from book where title = 'Kept'")
	b.exec("insert into shelving (reader_id, book_id, status) values ($1, $2, 'read')", b.reader("other"), theirs)
	if err := book.Rate(ctx, b.tx, b.me, kept, 1); err != nil {
		t.Fatal(err)
	}
	if err := Undo(ctx, b.tx, b.jobs, b.me, in.ID); err != nil {
		t.Fatal(err)
	}
	if stars, on := b.said(had); stars != 4 || on != "" {
		t.Errorf("the former rating is %d half stars on %q", stars, on)
	}
	if n := b.value("select count(*) from rating where book_id = $1 and rated_at = '2020-01-01'", had); n != 1 {
		t.Error("the former time is not restored")
	}
	if stars, on := b.said(kept); stars != 1 || on != "" {
		t.Errorf("the later rating is %d half stars on %q", stars, on)
	}
	if n := b.value("select count(*) from book where title in ('Mine', 'Theirs', 'Kept')"); n != 2 {
		t.Errorf("%d of the books that others or the reader have remain, want 2", n)
	}
	if n := b.value("select count(*) from rating where reader_id = $1", b.me); n != 2 {
		t.Errorf("%d ratings", n)
	}
	if err := Undo(ctx, b.tx, b.jobs, b.me, in.ID); !errors.Is(err, ErrOver) {
		t.Errorf("undone twice: %v", err)
	}
}

func TestStartWithoutRows(t *testing.T) {
	b := newBench(t)
	if _, err := b.start(header); err == nil || !strings.Contains(err.Error(), "no rows") {
		t.Errorf("got %v", err)
	}
}

// TestStartRefuses: one import at a time, and not too many in a day.
func TestStartRefuses(t *testing.T) {
	b := newBench(t)
	id, err := b.start(header + "A,B,4,,,,,,\n")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.start(header + "A,B,4,,,,,,\n"); !errors.Is(err, ErrBusy) {
		t.Errorf("a second import: %v", err)
	}
	if err := Stop(t.Context(), b.tx, b.jobs, b.me, id); err != nil {
		t.Fatal(err)
	}
	if in := b.get(id); !in.Stopped || in.EndedAt == nil || in.Counts[Waiting] != 1 {
		t.Errorf("%+v", in)
	}
	b.exec("insert into import (reader_id, file_name, format, ended_at) select $1, 'x', 'CSV', now() from generate_series(1, $2::int)", b.me, PerDay)
	if _, err := b.start(header + "A,B,4,,,,,,\n"); !errors.Is(err, ErrTooMany) {
		t.Errorf("after %d imports: %v", PerDay, err)
	}
}
