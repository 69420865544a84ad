package knn

import (
	"context"
	"math"
	"runtime"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// Neighbour is a book that is similar to another, with a Similarity in (0, 1].
type Neighbour struct {
	ID         int64
	Similarity float32
}

// BookNeighbours are the books most like Book, the most similar first.
type BookNeighbours struct {
	Book int64
	Near []Neighbour
}

// Shrink returns the λ for a number of readers, which keeps the similarity of chance pairs small. It is 100 for up to
// 300 readers, about the weight of six readers who gave four stars to both books of a pair, and decreases from there
// (30 at 1,000, 3 at 10,000).
func Shrink(readers int) float64 {
	return 100 * min(1, 300/float64(max(readers, 1)))
}

// manyReaders is the number of readers from which one reader in common is not enough: two rare books of one reader would be as
// similar as two books can be, by chance, and such pairs would be most of all pairs (with half a million books and five million
// ratings 24 million, which take longer to store than to find).
const manyReaders = 10_000

// support returns how many readers two books must have in common.
func support(readers int) uint32 {
	if readers < manyReaders {
		return 1
	}
	return 2
}

// Neighbours finds for each book the k most similar ones:
//
//	similarity(i, j) = Σ w(u,i)·w(u,j) / (‖i‖·‖j‖ + λ)   over the readers u of both, w in stars from ½ to 5
//
// With many readers, books that have only one in common are not neighbours.
//
// The more popular of two equally similar books comes first, then the one that was added first. Neighbours uses all
// processors. If progress is not nil, it is called after each percent of the books, from several goroutines. If the
// context ends, Neighbours returns its error.
func Neighbours(ctx context.Context, r *Ratings, k int, lambda float64, progress func(percent int)) ([]BookNeighbours, error) {
	books := r.byBook()
	norms := make([]float64, len(r.ids))
	for i := range norms {
		var squares int64
		for _, s := range books.stars[books.starts[i]:books.starts[i+1]] {
			squares += int64(s) * int64(s)
		}
		norms[i] = math.Sqrt(float64(squares)) / 2 // from half stars to stars
	}
	found := make([]BookNeighbours, len(r.ids))
	var next atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	for range runtime.GOMAXPROCS(0) {
		g.Go(func() error {
			w := newWalker(r, books, norms, k, lambda)
			for {
				i := next.Add(1) - 1
				if i >= int64(len(found)) {
					return nil
				}
				if err := ctx.Err(); err != nil {
					return err
				}
				found[i] = w.book(int32(i))
				if percent := int(100 * (i + 1) / int64(len(found))); progress != nil && percent > int(100*i/int64(len(found))) {
					progress(percent)
				}
			}
		})
	}
	return found, g.Wait()
}

// walker is the state of one goroutine, which goes from a book through its readers to all books that they rated.
type walker struct {
	ratings *Ratings
	books   byBook
	norms   []float64
	lambda  float64
	shared  []uint32 // Σ of products of half stars with the current book: exact, and reset to 0 after each book
	common  []uint32 // readers in common with the current book, also reset
	least   uint32   // of them
	touched []int32  // where shared is not 0
	top     top
}

func newWalker(r *Ratings, books byBook, norms []float64, k int, lambda float64) *walker {
	return &walker{
		ratings: r, books: books, norms: norms, lambda: lambda, shared: make([]uint32, len(r.ids)), common: make([]uint32, len(r.ids)),
		least: support(r.Readers()), top: top{k: k},
	}
}

func (w *walker) book(i int32) BookNeighbours {
	from, to := w.books.starts[i], w.books.starts[i+1]
	for n := from; n < to; n++ {
		books, stars := w.ratings.reader(int(w.books.readers[n]))
		own := uint32(w.books.stars[n])
		for m, j := range books {
			if w.shared[j] == 0 {
				w.touched = append(w.touched, j)
			}
			w.shared[j] += own * uint32(stars[m])
			w.common[j]++
		}
	}
	for _, j := range w.touched {
		if j != i && w.common[j] >= w.least {
			dot := float64(w.shared[j]) / 4 // from products of half stars to products of stars
			w.top.offer(scored{j, w.books.count(j), float32(dot / (w.norms[i]*w.norms[j] + w.lambda))})
		}
		w.shared[j], w.common[j] = 0, 0
	}
	w.touched = w.touched[:0]
	best := w.top.take()
	near := make([]Neighbour, len(best))
	for n, s := range best {
		near[n] = Neighbour{w.ratings.ids[s.book], s.similarity}
	}
	return BookNeighbours{w.ratings.ids[i], near}
}
