package demo

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/backlist/backlist/internal/catalogue"
)

// library is the catalogue as the invented readers see it.
type library struct {
	books   []catalogue.Book
	affine  [][]float64 // by taste and book: how well the book suits the taste, 0 to 1
	pull    [][]float64 // by taste and book: running sums of the weights for picking a book
	quality []float64   // by book: an invented quality, which readers tend to agree on, in half stars
	ratings []int       // by book: how many readers have rated it so far
}

func newLibrary(c *catalogue.Catalogue, rng *rand.Rand) *library {
	l := &library{books: c.Books, ratings: make([]int, len(c.Books))}
	talk := make([]float64, len(c.Books)) // invented: some books are talked about more
	for i := range c.Books {
		l.quality = append(l.quality, 0.6*rng.NormFloat64())
		talk[i] = math.Exp(0.5 * rng.NormFloat64())
	}
	for _, t := range tastes {
		affine, pull, sum := make([]float64, len(c.Books)), make([]float64, len(c.Books)), 0.0
		for i, b := range c.Books {
			affine[i] = t.affinity(b)
			sum += (0.004 + math.Pow(affine[i], 3)) * talk[i]
			pull[i] = sum
		}
		l.affine, l.pull = append(l.affine, affine), append(l.pull, pull)
	}
	return l
}

// pick picks a book that is not in taken: mostly by the first taste, often by the second or by an author just read,
// sometimes one with few ratings. It returns false if all books are taken.
func (l *library) pick(p *person, taken map[int]bool, rng *rand.Rand) (int, bool) {
	if len(taken) >= len(l.books) {
		return 0, false
	}
	// Some attempts by taste; a reader who has nearly all books gets any of the rest.
	for range 40 {
		i := -1
		switch x := rng.Float64(); {
		case x < 0.52:
			i = l.byTaste(p.first, rng)
		case x < 0.76:
			i = l.byTaste(p.second, rng)
		case x < 0.90:
			i = l.sameAuthor(p, rng)
		default:
			i = l.neglected(rng)
		}
		if i >= 0 && !taken[i] {
			return i, true
		}
	}
	for i := range l.books {
		if !taken[i] {
			return i, true
		}
	}
	return 0, false
}

func (l *library) byTaste(taste int, rng *rand.Rand) int {
	sums := l.pull[taste]
	i, _ := slices.BinarySearch(sums, rng.Float64()*sums[len(sums)-1])
	return min(i, len(sums)-1)
}

// sameAuthor picks a book by the author of one that the reader has rated; -1: there is none.
func (l *library) sameAuthor(p *person, rng *rand.Rand) int {
	if len(p.Ratings) == 0 {
		return -1
	}
	slug := p.Ratings[rng.IntN(len(p.Ratings))].Book
	at := slices.IndexFunc(l.books, func(b catalogue.Book) bool { return b.Slug == slug })
	var others []int
	for i, b := range l.books {
		if i != at && b.Authors[0] == l.books[at].Authors[0] && b.Authors[0] != "anonymous" {
			others = append(others, i)
		}
	}
	if len(others) == 0 {
		return -1
	}
	return others[rng.IntN(len(others))]
}

// neglected picks a book with fewer than four ratings, or any book if there is none.
func (l *library) neglected(rng *rand.Rand) int {
	var few []int
	for i, n := range l.ratings {
		if n < 4 {
			few = append(few, i)
		}
	}
	if len(few) == 0 {
		return rng.IntN(len(l.books))
	}
	return few[rng.IntN(len(few))]
}

// liking returns how much the reader likes the book, in half stars above or below the reader's usual rating.
func (l *library) liking(p *person, i int) float64 {
	suits := max(l.affine[p.first][i], 0.8*l.affine[p.second][i])
	return 3*(suits-0.5) + l.quality[i]
}

// hand is a reader's way to give stars: generously or strictly, in half stars or only in whole ones.
type hand struct {
	usual float64 // half stars for an average book
	whole bool
}

func newHand(rng *rand.Rand) hand {
	return hand{usual: 7.3 + 0.6*rng.NormFloat64(), whole: rng.Float64() < 0.3}
}

func (h hand) stars(liking float64, rng *rand.Rand) int {
	mark := h.usual + liking + 1.1*rng.NormFloat64()
	if h.whole {
		return max(2, min(10, 2*int(math.Round(mark/2))))
	}
	return max(1, min(10, int(math.Round(mark))))
}
