package seed_test

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/book"
	"github.com/backlist/backlist/internal/catalogue"
	"github.com/backlist/backlist/internal/seed"
	"github.com/backlist/backlist/internal/store"
	"github.com/backlist/backlist/internal/testdb"
)

// everything returns all that seeding writes as one text, for comparison.
func everything(t *testing.T, db store.DBTX) string {
	t.Helper()
	return scan[string](t, db, `select jsonb_build_array(
		(select jsonb_agg(to_jsonb(b) order by id) from book b), (select jsonb_agg(to_jsonb(a) order by id) from author a),
		(select jsonb_agg(to_jsonb(s) order by key) from subject s), (select jsonb_agg(to_jsonb(k) order by value) from book_key k),
		(select jsonb_agg(to_jsonb(x) order by book_id, author_id) from book_author x),
		(select jsonb_agg(to_jsonb(x) order by book_id, subject) from book_subject x),
		(select jsonb_agg(to_jsonb(x) order by word, book_id) from book_word x),
		(select count(*) from word_variant))::text`)
}

func TestCatalogueAgain(t *testing.T) {
	t.Parallel()
	ctx, db := t.Context(), testdb.New(t)
	load := func(c *catalogue.Catalogue, want int) {
		t.Helper()
		err := pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
			added, err := seed.Catalogue(ctx, tx, c)
			if err == nil && added != want {
				t.Errorf("%d books added, want %d", added, want)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	load(small(), len(small().Books))
	before := everything(t, db)
	load(small(), 0)
	if after := everything(t, db); after != before {
		t.Errorf("the second seed changed the catalogue:\n%s\n%s", before, after)
	}

	// A reader's ratings survive a change of the catalogue.
	reader, emma := newReader(t, db), scan[int64](t, db, "select id from book where title = 'Emma'")
	err := pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error { return book.Rate(ctx, tx, reader, emma, 9) })
	if err != nil {
		t.Fatal(err)
	}
	changed := small()
	for i, b := range changed.Books {
		if b.Slug == "emma" {
			changed.Books[i] = catalogue.Book{
				Slug: "emma", Title: "Zephyrine", Authors: []string{"hugo", "austen"}, Year: 1816, Subjects: []string{"crime"},
				Series: "Highbury", Volume: "1",
			}
		}
	}
	changed.Authors[1].Name = "Miss Austen"
	changed.Subjects[0].Name = "Passion"
	changed.Books = append(changed.Books, catalogue.Book{Slug: "new", Title: "Persuasion", Authors: []string{"austen"}, Year: 1817})
	load(changed, 1)
	d, err := book.Get(ctx, db, emma)
	if err != nil {
		t.Fatal(err)
	}
	if d.Title != "Zephyrine" || d.Authors != "Victor Hugo and Miss Austen" || d.Year != "1816" || d.Series != "Highbury, 1" ||
		len(d.Subjects) != 1 || d.Subjects[0].Name != "Crime" || d.About != "" || d.Ratings != 1 || d.Average != 4.5 {
		t.Errorf("after the change: %+v", d)
	}
	for text, want := range map[string]string{
		"zephyrine": "Zephyrine", "zephirine": "Zephyrine", "highbury": "Zephyrine", "emma": "Emma’s Sea Voyage",
		"passion": "Jane Eyre | Pride and Prejudice | Tess of the d’Urbervilles",
		"love":    "", "jane": "Jane Eyre", "persuasoin": "Persuasion",
	} {
		got, err := book.Search(ctx, db, book.Query{Text: text})
		var titles []string
		for _, b := range got.Books {
			titles = append(titles, b.Title)
		}
		slices.Sort(titles)
		if found := strings.Join(titles, " | "); err != nil || found != want {
			t.Errorf("%q finds %q, %v; want %q", text, found, err, want)
		}
	}
	if n := scan[int](t, db, "select count(*) from word_variant v where not exists (select from book_word w where w.word = v.word)"); n != 0 {
		t.Errorf("%d variants belong to words that are in no book", n)
	}
}

func TestCatalogueRace(t *testing.T) {
	t.Parallel()
	ctx, db := t.Context(), testdb.New(t)
	var added [2]int
	var errs [2]error
	var wg sync.WaitGroup
	for i := range 2 {
		wg.Go(func() {
			errs[i] = pgx.BeginFunc(ctx, db, func(tx pgx.Tx) (err error) {
				added[i], err = seed.Catalogue(ctx, tx, small())
				return err
			})
		})
	}
	wg.Wait()
	if errs[0] != nil || errs[1] != nil || added[0]+added[1] != len(small().Books) {
		t.Errorf("added %v, errors %v", added, errs)
	}
	if n := scan[int](t, db, "select count(*) from book"); n != len(small().Books) {
		t.Errorf("%d books, want %d", n, len(small().Books))
	}
}

// TestCatalogueReal: the real catalogue fits the schema, and its titles find its books.
func TestCatalogueReal(t *testing.T) {
	t.Parallel()
	c, err := catalogue.Load()
	if err != nil {
		t.Fatal(err)
	}
	ctx, db := t.Context(), testdb.New(t)
	err = pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		_, err := seed.Catalogue(ctx, tx, c)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(c.Books); i += 17 {
		got, err := book.Search(ctx, db, book.Query{Text: c.Books[i].Title})
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Books) == 0 || got.Books[0].Title != c.Books[i].Title || got.Partial {
			t.Errorf("the first result for %q is %+v, partial %v", c.Books[i].Title, got.Books[:min(1, len(got.Books))], got.Partial)
		}
	}
}
