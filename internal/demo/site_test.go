package demo

import (
	"reflect"
	"testing"
)

// TestSiteIsTheSameEachTime: books and readers depend on their numbers alone. The number of ratings is about the wanted one, a
// reader rates no book twice, and some books have many readers.
func TestSiteIsTheSameEachTime(t *testing.T) {
	t.Parallel()
	c := load(t)
	size := Size{Books: 20_000, Readers: 4000, Ratings: 100_000}
	a, b := NewSite(c, size), NewSite(c, size)
	ratings, ofBook := 0, map[int]int{}
	for i := range size.Readers {
		m := a.Member(i)
		if i%100 == 0 && !reflect.DeepEqual(m, b.Member(i)) {
			t.Fatalf("reader %d differs", i)
		}
		seen := map[int]bool{}
		for _, o := range m.Opinions {
			if seen[o.Book] || o.Book < 0 || o.Book >= size.Books || o.Stars == 0 && o.Status == "" {
				t.Fatalf("reader %d: %+v", i, o)
			}
			seen[o.Book] = true
			if o.Stars > 0 {
				ratings++
				ofBook[o.Book]++
			}
		}
	}
	most := 0
	for _, n := range ofBook {
		most = max(most, n)
	}
	if ratings < 95_000 || ratings > 105_000 || most < size.Readers/50 || most > size.Readers/5 || len(ofBook) < size.Books/4 {
		t.Errorf("%d ratings of %d books, at most %d of one", ratings, len(ofBook), most)
	}
	for i := len(c.Books); i < size.Books; i += 777 {
		if book := a.Book(i); !reflect.DeepEqual(book, b.Book(i)) || book.Title == "" || len(book.Subjects) != 2 || book.Subjects[0] == book.Subjects[1] {
			t.Errorf("book %d: %+v", i, book)
		}
	}
}
