package book_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/backlist/backlist/internal/book"
	"github.com/backlist/backlist/internal/catalogue"
)

// large returns a catalogue of n books. Their invented words occur about as unevenly as real ones.
func large(n int) *catalogue.Catalogue {
	r := rand.New(rand.NewPCG(1, 2))
	syllables := strings.Fields("ba ber bo cal can cor da del dor el en fa far gan gre har hel in jo ka kel la lin lo ma mar mel mor na nor o pa pel qui ra ren ro sa sel sta ta ter tor ul va ver vin wa wil wo ya zen")
	words := make([]string, 12_000)
	for i := range words {
		for range 1 + r.IntN(3) + r.IntN(3) {
			words[i] += syllables[r.IntN(len(syllables))]
		}
	}
	zipf := rand.NewZipf(r, 1.2, 4, uint64(len(words)-1))
	phrase := func(least, most int) string {
		parts := make([]string, least+r.IntN(most-least+1))
		for i := range parts {
			parts[i] = words[zipf.Uint64()]
		}
		return strings.Join(parts, " ")
	}
	c := &catalogue.Catalogue{}
	for i := range 40 {
		c.Subjects = append(c.Subjects, catalogue.Subject{Slug: fmt.Sprint("s", i), Name: phrase(1, 2)})
	}
	for i := range n/3 + 1 {
		c.Authors = append(c.Authors, catalogue.Author{Slug: fmt.Sprint("a", i), Name: phrase(2, 3)})
	}
	for i := range n {
		b := catalogue.Book{Slug: fmt.Sprint("b", i), Title: "The " + phrase(1, 6), Year: 1500 + r.IntN(500)}
		b.Authors = []string{c.Authors[r.IntN(len(c.Authors))].Slug}
		for len(b.Subjects) < 3 {
			if s := c.Subjects[r.IntN(40)].Slug; !slices.Contains(b.Subjects, s) {
				b.Subjects = append(b.Subjects, s)
			}
		}
		c.Books = append(c.Books, b)
	}
	return c
}

// BenchmarkSearch searches 10,000 books of which 3,000 have 100 ratings each.
func BenchmarkSearch(b *testing.B) {
	c := large(10_000)
	start := time.Now()
	db := library(b, c)
	b.Logf("loading %d books took %v", len(c.Books), time.Since(start))
	ctx := b.Context()
	for _, sql := range []string{
		"insert into reader (email, email_key, name, password_hash) select n || '@example.com', n || '@example.com', 'Odo', '' from generate_series(1, 1000) n",
		"insert into rating (reader_id, book_id, stars) select r.id, b.id, 1 + (r.id * b.id) % 10 from book b join reader r on r.id % 10 = b.id % 10 where b.id <= 3000",
		"insert into popularity select book_id, count(*), avg(stars) + random() from rating group by book_id",
		"vacuum analyze rating, popularity, book, book_word, word_variant, reader, book_author, author",
	} {
		if _, err := db.Exec(ctx, sql); err != nil {
			b.Fatal(err)
		}
	}
	long := c.Books[77].Title
	author := c.Authors[5].Name
	mistyped := func(s string) string { return s[:len(s)-3] + s[len(s)-2:] }
	for _, q := range []struct {
		name string
		book.Query
	}{
		{"all", book.Query{}},
		{"all-page-100", book.Query{Page: 100}},
		{"subject", book.Query{Subject: "s7"}},
		{"title", book.Query{Text: long}},
		{"author", book.Query{Text: author}},
		{"article", book.Query{Text: "the"}},
		{"prefix", book.Query{Text: "ma"}},
		{"prefixes", book.Query{Text: "mar ber sel ta"}},
		{"typo", book.Query{Text: mistyped(long)}},
		{"nothing", book.Query{Text: "xyzzyplugh quuxfrobnitz zzzzyyyyxxxx qwertzuiop asdfghjkl yxcvbnmlkj poiuztrewq lkjhgfdsay"}},
	} {
		b.Run(q.name, func(b *testing.B) {
			got, err := book.Search(ctx, db, q.Query)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if _, err := book.Search(ctx, db, q.Query); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(got.Total), "found")
		})
	}
}
