package knn

import "math"

// Popular is how well a book is liked and by how many.
type Popular struct {
	Book    int64
	Readers int
	Score   float32
}

// drawnBy is how many readers' worth of the site's mean is mixed into a book's own: one 5-star rating is no proof.
const drawnBy = 5

// Popularity scores every rated book: its mean stars, drawn towards the mean of all ratings, times the logarithm of one
// more than its readers.
func Popularity(r *Ratings) []Popular {
	if r.Len() == 0 {
		return nil
	}
	sums, counts, all := make([]int, len(r.ids)), make([]int, len(r.ids)), 0
	for n, i := range r.books {
		sums[i] += int(r.stars[n])
		counts[i]++
		all += int(r.stars[n])
	}
	mean := float64(all) / float64(r.Len())
	popular := make([]Popular, len(r.ids))
	for i, id := range r.ids {
		n := float64(counts[i])
		stars := (float64(sums[i]) + drawnBy*mean) / (n + drawnBy) / 2
		popular[i] = Popular{id, counts[i], float32(stars * math.Log1p(n))}
	}
	return popular
}
