package knn

import "math"

// Popular is a book's score and its number of readers.
type Popular struct {
	Book    int64
	Readers int
	Score   float32
}

// drawnBy is the weight of the site's mean in a book's mean, in readers: one 5-star rating proves little.
const drawnBy = 5

// Popularity scores every rated book: its mean stars, drawn towards the mean of all ratings, times the logarithm of the
// number of its readers plus one.
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
