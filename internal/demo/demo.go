// Package demo invents readers for a demonstration: names, tastes, ratings and shelves, all from a fixed seed.
//
// The readers and their opinions are plainly fictional. They exist because a catalogue alone has no ratings in common;
// figures computed from them do not show how good recommendations are.
package demo

import (
	"math/rand/v2"
	"slices"

	"github.com/backlist/backlist/internal/catalogue"
)

// Default is how many readers a demonstration gets: together they cover the catalogue, and they are well above the 30 from
// which co-reading beats popularity.
const Default = 200

// Reader is one invented reader.
type Reader struct {
	Name     string // unique: "Odo Quillfeather"
	Email    string // unique, at readers.example, which cannot receive mail
	TimeZone string // IANA name: "Europe/Lisbon"
	Ratings  []Rating
	Shelves  []Shelving
}

// Rating is a reader's opinion of one book. A reader has at most one per book, the oldest first.
type Rating struct {
	Book    string // catalogue slug
	Stars   int    // half stars, 1 to 10
	DaysAgo int    // counted back from the day of loading
}

// Shelving puts a book on one shelf. A book is on at most one shelf, and every rated book is on "read".
type Shelving struct {
	Book    string // catalogue slug
	Status  string // "to-read", "reading" or "read"
	DaysAgo int    // a read book was shelved on the day it was rated or before
}

// Readers invents n readers, at most Most, of the books in c. The same c gives the same readers every time, and
// Readers(c, 100) returns the first hundred of Readers(c, 200), so that a demonstration can grow.
func Readers(c *catalogue.Catalogue, n int) []Reader {
	drawn := draw(c, n)
	readers := make([]Reader, len(drawn))
	for i, d := range drawn {
		readers[i] = d.Reader
	}
	return readers
}

// person is a reader with a favourite taste and a second one.
type person struct {
	Reader
	first, second int // indices in tastes
}

func draw(c *catalogue.Catalogue, n int) []person {
	rng := rand.New(rand.NewPCG(1929, 44)) // a fixed seed gives the same readers every time
	pairs := names(rng)
	n = max(0, min(n, len(pairs)))
	l := newLibrary(c, rng)
	people := make([]person, 0, n)
	for _, name := range pairs[:n] {
		p := person{first: rng.IntN(len(tastes))}
		p.second = (p.first + 1 + rng.IntN(len(tastes)-1)) % len(tastes)
		p.Name, p.Email = name.full(), name.email()
		p.TimeZone = zones[rng.IntN(len(zones))]
		p.read(l, rng)
		people = append(people, p)
	}
	return people
}

// read fills the reader's ratings and shelves with books of the library.
func (p *person) read(l *library, rng *rand.Rand) {
	joined := 60 + rng.IntN(1000)
	hand := newHand(rng)
	taken := make(map[int]bool)
	for range 20 + rng.IntN(41) {
		i, ok := l.pick(p, taken, rng)
		if !ok {
			break
		}
		taken[i] = true
		l.ratings[i]++
		ago := rng.IntN(joined)
		p.Ratings = append(p.Ratings, Rating{Book: l.books[i].Slug, Stars: hand.stars(l.liking(p, i), rng), DaysAgo: ago})
		p.Shelves = append(p.Shelves, Shelving{Book: l.books[i].Slug, Status: "read", DaysAgo: ago + rng.IntN(3)})
	}
	for _, shelf := range []struct {
		status string
		count  int
		within int // days
	}{
		{"read", rng.IntN(5), joined}, // read but not rated
		{"reading", rng.IntN(4), 45},
		{"to-read", 3 + rng.IntN(13), joined},
	} {
		for range shelf.count {
			i, ok := l.pick(p, taken, rng)
			if !ok {
				break
			}
			taken[i] = true
			p.Shelves = append(p.Shelves, Shelving{Book: l.books[i].Slug, Status: shelf.status, DaysAgo: rng.IntN(shelf.within)})
		}
	}
	slices.SortStableFunc(p.Ratings, func(a, b Rating) int { return b.DaysAgo - a.DaysAgo })
	slices.SortStableFunc(p.Shelves, func(a, b Shelving) int { return b.DaysAgo - a.DaysAgo })
}
