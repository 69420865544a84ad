package demo

import (
	"reflect"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/backlist/backlist/internal/catalogue"
)

func load(t *testing.T) *catalogue.Catalogue {
	t.Helper()
	c, err := catalogue.Load()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestReadersRepeat(t *testing.T) {
	t.Parallel()
	c := load(t)
	all := Readers(c, Default)
	if len(all) != Default {
		t.Fatalf("%d readers, want %d", len(all), Default)
	}
	if !reflect.DeepEqual(all, Readers(c, Default)) {
		t.Error("two calls differ")
	}
	if !reflect.DeepEqual(all[:100], Readers(c, 100)) {
		t.Error("a hundred readers are not the first of two hundred")
	}
}

func TestReadersAreWellFormed(t *testing.T) {
	t.Parallel()
	c := load(t)
	books := map[string]bool{}
	for _, b := range c.Books {
		books[b.Slug] = true
	}
	address := regexp.MustCompile(`^[a-z]+\.[a-z-]+@readers\.example$`)
	seen := map[string]bool{}
	for _, r := range Readers(c, 300) {
		if seen[r.Email] || seen[r.Name] || !address.MatchString(r.Email) {
			t.Errorf("%s <%s> appears twice or malformed", r.Name, r.Email)
		}
		seen[r.Email], seen[r.Name] = true, true
		if _, err := time.LoadLocation(r.TimeZone); err != nil {
			t.Errorf("%s: %v", r.Name, err)
		}
		if n := len(r.Ratings); n < 20 || n > 60 {
			t.Errorf("%s has %d ratings", r.Name, n)
		}
		shelf := map[string]Shelving{}
		for _, s := range r.Shelves {
			if shelf[s.Book].Book != "" || !books[s.Book] || s.DaysAgo < 0 {
				t.Errorf("%s: %+v appears twice or impossible", r.Name, s)
			}
			if !slices.Contains([]string{"to-read", "reading", "read"}, s.Status) {
				t.Errorf("%s: %+v", r.Name, s)
			}
			shelf[s.Book] = s
		}
		rated := map[string]bool{}
		for _, x := range r.Ratings {
			if rated[x.Book] || !books[x.Book] || x.Stars < 1 || x.Stars > 10 || x.DaysAgo < 0 {
				t.Errorf("%s: %+v appears twice or impossible", r.Name, x)
			}
			rated[x.Book] = true
			if s := shelf[x.Book]; s.Status != "read" || s.DaysAgo < x.DaysAgo {
				t.Errorf("%s rated %s %d days ago, and has it on %q since %d", r.Name, x.Book, x.DaysAgo, s.Status, s.DaysAgo)
			}
		}
	}
}

func TestShelvesAreUsed(t *testing.T) {
	t.Parallel()
	count := map[string]int{}
	unrated := 0
	for _, r := range Readers(load(t), Default) {
		for _, s := range r.Shelves {
			count[s.Status]++
		}
		unrated -= len(r.Ratings)
	}
	unrated += count["read"]
	if count["to-read"] < 5*Default || count["reading"] < Default || unrated < Default {
		t.Errorf("shelves %v, %d read and not rated", count, unrated)
	}
}

func TestEveryBookIsRated(t *testing.T) {
	t.Parallel()
	c := load(t)
	count := map[string]int{}
	total := 0
	for _, r := range Readers(c, Default) {
		for _, x := range r.Ratings {
			count[x.Book]++
			total++
		}
	}
	enough, most := 0, 0
	for _, b := range c.Books {
		if count[b.Slug] >= 3 {
			enough++
		}
		most = max(most, count[b.Slug])
	}
	t.Logf("%d ratings, %d of %d books with three or more, at most %d", total, enough, len(c.Books), most)
	if enough*100 < len(c.Books)*95 {
		t.Errorf("only %d of %d books have three ratings", enough, len(c.Books))
	}
}

func TestStars(t *testing.T) {
	t.Parallel()
	var of [11]int
	total, sum := 0, 0
	for _, r := range Readers(load(t), Default) {
		for _, x := range r.Ratings {
			of[x.Stars]++
			total++
			sum += x.Stars
		}
	}
	mean := float64(sum) / float64(total)
	halves := float64(of[1]+of[3]+of[5]+of[7]+of[9]) / float64(total)
	t.Logf("mean %.2f, halves %.2f, 1 to 10: %v", mean, halves, of[1:])
	if mean < 6.5 || mean > 8.5 {
		t.Errorf("mean %.2f", mean)
	}
	if halves < 0.2 || halves > 0.5 {
		t.Errorf("share of half stars %.2f", halves)
	}
	for s := 2; s <= 10; s++ {
		if of[s] == 0 {
			t.Errorf("no rating of %d", s)
		}
	}
	if of[10] > total/4 {
		t.Errorf("%d of %d ratings are the highest", of[10], total)
	}
}

func TestOddCatalogues(t *testing.T) {
	t.Parallel()
	c := &catalogue.Catalogue{}
	for _, r := range Readers(c, 3) {
		if len(r.Ratings)+len(r.Shelves) != 0 {
			t.Errorf("%s reads books of an empty catalogue", r.Name)
		}
	}
	c.Books = []catalogue.Book{{Slug: "a", Authors: []string{"x"}}, {Slug: "b", Authors: []string{"x"}}, {Slug: "c", Authors: []string{"y"}}}
	for _, r := range Readers(c, 5) {
		if len(r.Ratings) != 3 || len(r.Shelves) != 3 {
			t.Errorf("%s has %d ratings of three books", r.Name, len(r.Ratings))
		}
	}
	if n := len(Readers(c, -1)); n != 0 {
		t.Errorf("%d readers for -1", n)
	}
	if n := len(Readers(c, Most+1)); n != Most {
		t.Errorf("%d readers, want all %d", n, Most)
	}
}
