// Package knn computes which books are similar, from the ratings of readers who rated both: item-kNN by co-occurrence.
// It uses no database: it works in memory, with about 5 bytes per rating and list.
package knn

import (
	"fmt"
	"slices"
)

// Ratings holds all ratings, compressed by reader. They are added reader by reader; the zero value is empty.
type Ratings struct {
	ids    []int64         // book ids in the order of their first rating; a book's position is its index
	index  map[int64]int32 // from book id to index
	starts []int           // where each reader's ratings begin in books and stars
	last   int64           // the reader whose ratings are being added
	books  []int32         // indices
	stars  []uint8         // half stars, 1–10
}

// Add adds a rating in half stars, 1 to 10. All ratings of a reader must be added in a row, at most one per book.
func (r *Ratings) Add(reader, book int64, halfStars int) error {
	if halfStars < 1 || halfStars > 10 {
		return fmt.Errorf("invalid rating of %d half stars", halfStars)
	}
	if len(r.starts) == 0 || reader != r.last {
		r.starts, r.last = append(r.starts, len(r.books)), reader
	}
	i, known := r.index[book]
	if !known {
		if r.index == nil {
			r.index = map[int64]int32{}
		}
		i = int32(len(r.ids))
		r.ids, r.index[book] = append(r.ids, book), i
	}
	r.books, r.stars = append(r.books, i), append(r.stars, uint8(halfStars))
	return nil
}

// Len returns the number of ratings.
func (r *Ratings) Len() int { return len(r.books) }

// Books returns the number of books with a rating.
func (r *Ratings) Books() int { return len(r.ids) }

// Readers returns the number of readers with a rating.
func (r *Ratings) Readers() int { return len(r.starts) }

// reader returns the books that reader u rated, and the stars.
func (r *Ratings) reader(u int) ([]int32, []uint8) {
	end := len(r.books)
	if u+1 < len(r.starts) {
		end = r.starts[u+1]
	}
	return r.books[r.starts[u]:end], r.stars[r.starts[u]:end]
}

// byBook is the same ratings by book: for each book, its readers in ascending order, and their stars.
type byBook struct {
	starts  []int // one more than the number of books
	readers []int32
	stars   []uint8
}

func (r *Ratings) byBook() byBook {
	b := byBook{make([]int, len(r.ids)+1), make([]int32, len(r.books)), make([]uint8, len(r.books))}
	for _, i := range r.books {
		b.starts[i+1]++
	}
	for i := range r.ids {
		b.starts[i+1] += b.starts[i]
	}
	next := slices.Clone(b.starts)
	for u := range r.starts {
		books, stars := r.reader(u)
		for n, i := range books {
			b.readers[next[i]], b.stars[next[i]] = int32(u), stars[n]
			next[i]++
		}
	}
	return b
}

// count returns the number of readers who rated book i.
func (b byBook) count(i int32) int { return b.starts[i+1] - b.starts[i] }
