package book_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/book"
	"github.com/backlist/backlist/internal/catalogue"
	"github.com/backlist/backlist/internal/seed"
	"github.com/backlist/backlist/internal/testdb"
)

func library(t testing.TB, c *catalogue.Catalogue) *pgxpool.Pool {
	t.Helper()
	db := testdb.New(t)
	err := inTx(t.Context(), db, func(tx pgx.Tx) error {
		_, err := seed.Catalogue(t.Context(), tx, c)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func titles(cards []book.Card) string {
	var list []string
	for _, c := range cards {
		list = append(list, c.Title)
	}
	return strings.Join(list, " | ")
}

func TestSearch(t *testing.T) {
	t.Parallel()
	db := library(t, small())
	// The most popular book by Dostoevsky is not the first by id.
	if _, err := db.Exec(t.Context(), `insert into popularity (book_id, readers, score)
		select id, 10, 5 from book where title in ('Crime and Punishment', 'Jane Eyre')`); err != nil {
		t.Fatal(err)
	}
	const (
		emma, bothBrontes = "Emma | Emma’s Sea Voyage", "Jane Eyre | Wuthering Heights"
		dostoevsky        = "Crime and Punishment | The Brothers Karamazov"
		karamazov         = "The Brothers Karamazov"
		moby              = "Moby-Dick; or, The Whale"
		tess              = "Tess of the d’Urbervilles"
		wells             = "Emma’s Sea Voyage | The Time Machine | The War of the Worlds"
	)
	for _, c := range []struct {
		name, text, subject string
		want, corrected     string
		partial             bool
	}{
		{name: "exact title first", text: "emma", want: emma},
		{name: "case", text: "  EMMA ", want: emma},
		{name: "accents left out", text: "bronte", want: bothBrontes},
		{name: "accents typed", text: "Brontë", want: bothBrontes},
		{name: "accents decomposed", text: "bronte\u0308", want: bothBrontes},
		{name: "unneeded accents", text: "Ėmmá", want: emma},
		{name: "unfinished word", text: "wuther", want: "Wuthering Heights"},
		{name: "two letters of the last word", text: "jane au", want: "Emma | Pride and Prejudice"},
		{name: "title and author", text: "heights emily", want: "Wuthering Heights"},
		{name: "title and author with a typo", text: "emily hieghts", want: "Wuthering Heights", corrected: "emily heights"},
		{name: "letter missing", text: "karamzov", want: karamazov, corrected: "karamazov"},
		{name: "letter changed", text: "Karamasov", want: karamazov, corrected: "karamazov"},
		{name: "letters swapped", text: "prejuidce", want: "Pride and Prejudice", corrected: "prejudice"},
		{name: "two errors in a long word", text: "dostoyevski", want: dostoevsky, corrected: "dostoevsky"},
		{name: "two errors in a short word", text: "ayxr", want: ""},
		{name: "short word", text: "tes", want: tess},
		{name: "typo in a short word", text: "tiem machine", want: "The Time Machine", corrected: "time machine"},
		{name: "joined", text: "mobydick", want: moby},
		{name: "apart", text: "moby dick", want: moby},
		{name: "apostrophe left out", text: "durbervilles", want: tess},
		{name: "apostrophe kept", text: "d'Urbervilles", want: tess},
		{name: "only the main part", text: "urbervilles", want: tess},
		{name: "unneeded genitive", text: "moby's whale", want: moby},
		{name: "initials apart", text: "h g wells", want: wells},
		{name: "initials together", text: "HG Wells", want: wells},
		{name: "article and small words", text: "war of worlds", want: "The War of the Worlds"},
		{name: "small words stay in the correction", text: "The Brohters of Karamazov", want: karamazov, corrected: "the brothers of karamazov"},
		{name: "article missing", text: "odyssey", want: "The Odyssey"},
		{name: "original title", text: "карамазовы", want: karamazov},
		{name: "greek without accents", text: "ΟΔΥΣΣΕΙΑ", want: "The Odyssey"},
		{name: "series", text: "sherlock", want: "The Hound of the Baskervilles"},
		{name: "title goes before subject", text: "crime", want: "Crime and Punishment | The Brothers Karamazov | The Hound of the Baskervilles | Tess of the d’Urbervilles"},
		{name: "both authors", text: "engels marx", want: "The Communist Manifesto"},
		{name: "within a subject", text: "emma", subject: "sea", want: "Emma’s Sea Voyage"},
		{name: "unknown subject", text: "emma", subject: "nothing", want: ""},
		{name: "one word of two", text: "emma qqqqq", want: emma, partial: true},
		{name: "two words of three", text: "pride prejudice zombies", want: "Pride and Prejudice", partial: true},
		{name: "one word of three is not most", text: "emma qqqqq zzzzz", want: ""},
		{name: "words of different books", text: "emma tess", want: emma + " | " + tess, partial: true},
		{name: "known words that need a correction", text: "jane air", want: "Emma | Jane Eyre | Pride and Prejudice", partial: true},
		{name: "small words alone", text: "the of", want: "The War of the Worlds | The Hound of the Baskervilles | Tess of the d’Urbervilles"},

		{name: "lone letters first", text: "a b c d e f g h i j emma", want: "Emma’s Sea Voyage | Emma"},

		{name: "percent", text: "%"},
		{name: "underscore", text: "____"},
		{name: "backslash", text: `\`},
		{name: "injection", text: "'; drop table book; --"},
		{name: "pattern", text: "em%a"},
		{name: "NUL", text: "\x00"},
		{name: "invalid UTF-8", text: "\xff\xfe"},
		{name: "invalid subject", text: "emma", subject: "\xff\x00"},
		{name: "emoji", text: "🐳🐳"},
		{name: "right to left", text: "\u202eبرج بابل\u202c"},
		{name: "10 kB", text: strings.Repeat("a", 10_000)},
		{name: "10 kB of words", text: strings.Repeat("qz qx ", 1_700)},
		{name: "10 kB of marks", text: strings.Repeat("\u0308", 5_000)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := book.Search(t.Context(), db, book.Query{Text: c.text, Subject: c.subject})
			if err != nil {
				t.Fatal(err)
			}
			found := titles(got.Books)
			if c.name == "small words alone" || c.partial || c.name == "initials together" || c.name == "h g wells" {
				found, c.want = sorted(found), sorted(c.want) // the order does not matter
			}
			if found != c.want {
				t.Errorf("found %q, want %q", found, c.want)
			}
			if got.Corrected != c.corrected || got.Partial != c.partial {
				t.Errorf("corrected %q, partial %v; want %q, %v", got.Corrected, got.Partial, c.corrected, c.partial)
			}
			if got.Total != len(got.Books) || got.Page != 1 || got.Pages != 1 {
				t.Errorf("total %d, page %d of %d with %d books", got.Total, got.Page, got.Pages, len(got.Books))
			}
		})
	}
}

func sorted(list string) string {
	parts := strings.Split(list, " | ")
	slices.Sort(parts)
	return strings.Join(parts, " | ")
}

func TestSearchPages(t *testing.T) {
	t.Parallel()
	c := &catalogue.Catalogue{Subjects: []catalogue.Subject{{Slug: "odd", Name: "Odd"}}}
	for n := range 50 {
		b := catalogue.Book{Slug: fmt.Sprint("b", n), Title: fmt.Sprintf("Almanac %02d", n), Year: 1900}
		if n%2 == 1 {
			b.Subjects = []string{"odd"}
		}
		c.Books = append(c.Books, b)
	}
	db := library(t, c)
	if _, err := db.Exec(t.Context(), "insert into popularity select id, 1, 1 from book where title = 'Almanac 49'"); err != nil {
		t.Fatal(err)
	}
	for _, q := range []struct {
		book.Query
		first              string
		books, total, page int
	}{
		{book.Query{}, "Almanac 49", 24, 50, 1},
		{book.Query{Page: -3}, "Almanac 49", 24, 50, 1},
		{book.Query{Text: " \t", Page: 2}, "Almanac 23", 24, 50, 2},
		{book.Query{Page: 3}, "Almanac 47", 2, 50, 3},
		{book.Query{Page: 1 << 40}, "Almanac 47", 2, 50, 3},
		{book.Query{Subject: "odd", Page: 2}, "Almanac 47", 1, 25, 2},
		{book.Query{Text: "almanac", Page: 2}, "Almanac 23", 24, 50, 2},
		{book.Query{Text: "almanac", Page: 99}, "Almanac 47", 2, 50, 3},
		{book.Query{Text: "alamnac", Page: 99}, "Almanac 47", 2, 50, 3},
	} {
		got, err := book.Search(t.Context(), db, q.Query)
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Books) != q.books || got.Books[0].Title != q.first || got.Total != q.total || got.Page != q.page || got.Pages != (q.total+23)/24 {
			t.Errorf("%+v: %d books from %q, total %d, page %d of %d", q.Query, len(got.Books), got.Books[0].Title, got.Total, got.Page, got.Pages)
		}
	}
}

func FuzzSearch(f *testing.F) {
	tx := testdb.Tx(f)
	for _, s := range []string{"emma", "%_\\", "a\x00b", "\xff", "\u202eبرج", "'\"", "the a of", "=emma", "\U0010FFFF", strings.Repeat("ab ", 200)} {
		f.Add(s, "love", 1)
	}
	f.Fuzz(func(t *testing.T, text, subject string, page int) {
		if _, err := book.Search(t.Context(), tx, book.Query{Text: text, Subject: subject, Page: page}); err != nil {
			t.Fatal(err)
		}
	})
}
