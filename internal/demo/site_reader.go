package demo

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// days is the age of an invented site.
const days = 1500

// Opinion is what a reader of an invented site says of a book.
type Opinion struct {
	Book    int    // its number
	Stars   int    // half stars, 1 to 10; 0: none
	Status  string // of its shelf: "to-read", "reading" or "read"; empty: none
	DaysAgo int
}

// Member is a reader of an invented site.
type Member struct {
	Name, Email, TimeZone string // the address is at load.example, which cannot receive mail
	DaysAgo               int    // of the sign-up
	Opinions              []Opinion
}

// MemberDomain is the domain of the addresses of an invented site's readers.
const MemberDomain = "load.example"

// Member returns the reader with a number below Readers.
func (s *Site) Member(i int) Member {
	rng := rand.New(rand.NewPCG(4, uint64(i)))
	m := Member{
		Name: givenNames[rng.IntN(len(givenNames))] + " " + invent(rng), Email: fmt.Sprintf("reader-%d@%s", i, MemberDomain),
		TimeZone: zones[rng.IntN(len(zones))], DaysAgo: 1 + rng.IntN(days),
	}
	genre, hand := rng.IntN(len(s.subjects)), newHand(rng)
	// Many readers rate few books and a few rate hundreds. No reader rates half of the books.
	mean := float64(s.Ratings) / float64(max(s.Readers, 1))
	ratings := min(int(-math.Log(1-rng.Float64())*(mean+0.5)+rng.Float64()-0.5), s.Books/2)
	taken := map[int]bool{}
	take := func(stars int, status string) {
		for {
			if book := s.pick(rng, genre); !taken[book] {
				taken[book] = true
				m.Opinions = append(m.Opinions, Opinion{Book: book, Stars: stars, Status: status, DaysAgo: rng.IntN(m.DaysAgo)})
				return
			}
		}
	}
	for n := range ratings {
		status := "read"
		if n%3 > 0 {
			status = ""
		}
		take(hand.stars(rng.NormFloat64()*0.8, rng), status)
	}
	for n := range min(rng.IntN(8), s.Books/4) {
		if n == 0 {
			take(0, "reading")
		} else {
			take(0, "to-read")
		}
	}
	return m
}

// pick draws a book: mostly of the reader's genre, or else one that the whole site talks about.
func (s *Site) pick(rng *rand.Rand, genre int) int {
	genres := len(s.subjects)
	if rng.IntN(5) == 0 || genre >= s.Books { // a tiny site lacks books of some genres
		return scatter(rank(rng, s.Books, 10), s.Books)
	}
	ofGenre := (s.Books - genre + genres - 1) / genres
	return genre + genres*scatter(rank(rng, ofGenre, 20), ofGenre)
}
