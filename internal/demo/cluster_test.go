package demo

import (
	"slices"
	"testing"

	"github.com/backlist/backlist/internal/catalogue"
)

func TestTastesNameExistingKeys(t *testing.T) {
	t.Parallel()
	c := load(t)
	for _, taste := range tastes {
		for _, s := range taste.subjects {
			if !slices.ContainsFunc(c.Subjects, func(x catalogue.Subject) bool { return x.Slug == s }) {
				t.Errorf("%s: no subject %s", taste.name, s)
			}
		}
		for _, a := range taste.authors {
			if !slices.ContainsFunc(c.Authors, func(x catalogue.Author) bool { return x.Slug == a }) {
				t.Errorf("%s: no author %s", taste.name, a)
			}
		}
		suited := 0
		for _, b := range c.Books {
			if taste.affinity(b) >= 0.6 {
				suited++
			}
		}
		if suited < 15 || suited > len(c.Books)/3 {
			t.Errorf("%s suits %d books", taste.name, suited)
		}
	}
}

// Two readers with the same taste have far more books in common than two with different tastes.
func TestReadersOfOneTasteMeet(t *testing.T) {
	t.Parallel()
	people := draw(load(t), Default)
	rated := make([]map[string]bool, len(people))
	members := make([]int, len(tastes))
	for i, p := range people {
		rated[i] = map[string]bool{}
		members[p.first]++
		for _, r := range p.Ratings {
			rated[i][r.Book] = true
		}
	}
	for i, n := range members {
		if n < 3 {
			t.Errorf("%s has %d readers", tastes[i].name, n)
		}
	}
	var same, apart struct{ common, possible float64 }
	for i, p := range people {
		for j, q := range people[:i] {
			common := 0.0
			for book := range rated[i] {
				if rated[j][book] {
					common++
				}
			}
			possible := float64(len(rated[i])) * float64(len(rated[j]))
			switch {
			case p.first == q.first:
				same.common += common
				same.possible += possible
			case p.first != q.second && p.second != q.first && p.second != q.second:
				apart.common += common
				apart.possible += possible
			}
		}
	}
	ratio := (same.common / same.possible) / (apart.common / apart.possible)
	t.Logf("books in common: one taste %.1f times as many as none", ratio)
	if ratio < 2.5 {
		t.Errorf("readers of one taste share only %.2f times as many books as other readers", ratio)
	}
}

// The same readers rate two books that suit one taste clearly more often than by chance.
func TestBooksOfOneTasteAreCoRated(t *testing.T) {
	t.Parallel()
	c := load(t)
	at := map[string]int{}
	for i, b := range c.Books {
		at[b.Slug] = i
	}
	people := draw(c, Default)
	by := make([][]bool, len(c.Books)) // book, reader
	count := make([]float64, len(c.Books))
	for i := range by {
		by[i] = make([]bool, len(people))
	}
	for r, p := range people {
		for _, x := range p.Ratings {
			by[at[x.Book]][r] = true
			count[at[x.Book]]++
		}
	}
	lift := func(books []int) float64 {
		found, expected := 0.0, 0.0
		for n, i := range books {
			for _, j := range books[:n] {
				for r := range people {
					if by[i][r] && by[j][r] {
						found++
					}
				}
				expected += count[i] * count[j] / float64(len(people))
			}
		}
		return found / expected
	}
	for _, taste := range tastes {
		var suited []int
		for i, b := range c.Books {
			if taste.affinity(b) >= 0.6 {
				suited = append(suited, i)
			}
		}
		got := lift(suited)
		t.Logf("%-16s %3d books, co-rated %.2f times as often as by chance", taste.name, len(suited), got)
		if got < 1.5 {
			t.Errorf("%s: co-rated only %.2f times as often as by chance", taste.name, got)
		}
	}
	all := make([]int, len(c.Books))
	for i := range all {
		all[i] = i
	}
	if got := lift(all); got > 1.15 {
		t.Errorf("any two books are co-rated %.2f times as often as by chance: the measure is wrong", got)
	}
}
