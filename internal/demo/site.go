package demo

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"unicode"

	"github.com/backlist/backlist/internal/catalogue"
)

// Size is the size of an invented site. Books includes the catalogue's.
type Size struct {
	Books   int `json:"books"`
	Readers int `json:"readers"`
	Ratings int `json:"ratings"` // on average; the drawn number differs by less than a hundredth
}

// Site is an invented site of any size, for measurements: books beyond the catalogue, and readers with their opinions. Each book
// and each reader is drawn from its number alone, so that a site needs no memory. The same numbers give the same site.
//
// Like on real sites, a few words are in many titles and most in few, and a few books have many readers and most have few. A
// reader keeps mostly to one of the genres, so that books of a genre have readers in common.
type Site struct {
	Size
	subjects []catalogue.Subject
	words    []string // of titles, the most frequent first
	known    int      // books of the catalogue, which come first
}

// inventedWords is the number of words beside those of the catalogue's titles.
const inventedWords = 40_000

// NewSite returns an invented site around a catalogue.
func NewSite(c *catalogue.Catalogue, size Size) *Site {
	s := &Site{Size: size, subjects: c.Subjects, known: len(c.Books)}
	seen := map[string]bool{}
	for _, b := range c.Books {
		for word := range strings.FieldsSeq(b.Title) {
			if letters := strings.TrimFunc(word, func(r rune) bool { return !unicode.IsLetter(r) }); len(letters) > 3 && !seen[letters] {
				seen[letters] = true
				s.words = append(s.words, letters)
			}
		}
	}
	for i := range inventedWords {
		s.words = append(s.words, invent(rand.New(rand.NewPCG(3, uint64(i)))))
	}
	return s
}

// invent returns a word that no language has.
func invent(rng *rand.Rand) string {
	var b strings.Builder
	for range 2 + rng.IntN(3) {
		b.WriteByte("bcdfghklmnprstvw"[rng.IntN(16)])
		b.WriteString([...]string{"a", "e", "i", "o", "u", "ar", "en", "il", "or", "an"}[rng.IntN(10)])
	}
	word := b.String()
	return strings.ToUpper(word[:1]) + word[1:]
}

// rank draws a number below n, the small ones more often: number i with a weight of 1/(i+head).
func rank(rng *rand.Rand, n int, head float64) int {
	return min(n-1, int(head*math.Pow((float64(n)+head)/head, rng.Float64())-head))
}

// Authors is the number of invented authors.
func (s *Site) Authors() int { return max(1, s.Books/5) }

// Author returns an invented author.
func (s *Site) Author(i int) catalogue.Author {
	rng := rand.New(rand.NewPCG(1, uint64(i)))
	given, surname := givenNames[rng.IntN(len(givenNames))], invent(rng)
	return catalogue.Author{
		Slug: fmt.Sprintf("invented-author-%d", i), Name: given + " " + surname, SortName: surname + ", " + given,
		Born: 1750 + rng.IntN(200),
	}
}

// Book returns the book with a number from the catalogue's number of books to Books. Its only author is the one with AuthorOf's
// number.
func (s *Site) Book(i int) catalogue.Book {
	rng := rand.New(rand.NewPCG(2, uint64(i)))
	b := catalogue.Book{
		Slug: fmt.Sprintf("invented-book-%d", i), Title: s.title(rng), Year: 1780 + rng.IntN(240),
		About:    fmt.Sprintf("An invented book about %s and %s.", s.word(rng), s.word(rng)),
		Subjects: []string{s.subjects[s.genre(i)].Slug, s.subjects[(s.genre(i)+1+rng.IntN(len(s.subjects)-1))%len(s.subjects)].Slug},
	}
	if rng.IntN(3) == 0 {
		b.Title = "The " + b.Title
	}
	if i%10 == 0 {
		b.Series, b.Volume = fmt.Sprintf("%s Cycle %d", s.word(rand.New(rand.NewPCG(5, uint64(i/50)))), i/50), fmt.Sprint(i/10%5+1)
	}
	return b
}

func (s *Site) title(rng *rand.Rand) string {
	words := make([]string, 1+rng.IntN(4))
	for n := range words {
		words[n] = s.word(rng)
	}
	return strings.Join(words, " ")
}

func (s *Site) word(rng *rand.Rand) string { return s.words[rank(rng, len(s.words), 30)] }

// AuthorOf returns the number of an invented book's author.
func (s *Site) AuthorOf(i int) int { return scatter(i, s.Authors()) }

// scatter spreads neighbouring numbers over all numbers below n, each to another one.
func scatter(i, n int) int { return int(uint(i) * 2654435761 % uint(n)) }

func (s *Site) genre(book int) int { return book % len(s.subjects) }

// Subjects returns the subjects of the site's books, which are the catalogue's.
func (s *Site) Subjects() []catalogue.Subject { return s.subjects }
