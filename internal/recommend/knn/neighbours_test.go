package knn

import (
	"cmp"
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
)

// matrix is ratings in half stars, 0 for none; its rows are readers, its columns books.
type matrix [][]int

func randomMatrix(rnd *rand.Rand) matrix {
	m := make(matrix, 1+rnd.IntN(30))
	books := 1 + rnd.IntN(25)
	density := rnd.Float64()
	for u := range m {
		m[u] = make([]int, books)
		for i := range m[u] {
			if rnd.Float64() < density {
				m[u][i] = 1 + rnd.IntN(10)
			}
		}
	}
	return m
}

// bookID returns ids that are neither small nor consecutive, like a database's.
func bookID(i int) int64 { return int64(1_000_000_007*(i+1)) % 98_765_432_100 }

func (m matrix) ratings(t *testing.T) *Ratings {
	t.Helper()
	r := &Ratings{}
	for u := range m {
		for i, stars := range m[u] {
			if stars == 0 {
				continue
			}
			if err := r.Add(int64(u)*3, bookID(i), stars); err != nil {
				t.Fatal(err)
			}
		}
	}
	return r
}

func (m matrix) dot(i, j int) (sum float64) {
	for u := range m {
		sum += float64(m[u][i]) / 2 * float64(m[u][j]) / 2
	}
	return sum
}

func (m matrix) readers(i int) (n int) {
	for u := range m {
		if m[u][i] > 0 {
			n++
		}
	}
	return n
}

// neighbours implements the definition as plainly as possible.
func (m matrix) neighbours(i, k int, lambda float64) []Neighbour {
	type pair struct {
		book, readers int
		similarity    float64
	}
	var pairs []pair
	for j := range m[0] {
		if dot := m.dot(i, j); j != i && dot > 0 {
			similarity := dot / (math.Sqrt(m.dot(i, i))*math.Sqrt(m.dot(j, j)) + lambda)
			pairs = append(pairs, pair{j, m.readers(j), similarity})
		}
	}
	slices.SortStableFunc(pairs, func(a, b pair) int {
		return cmp.Or(cmp.Compare(float32(b.similarity), float32(a.similarity)), cmp.Compare(b.readers, a.readers))
	})
	near := make([]Neighbour, 0, k)
	for _, p := range pairs[:min(k, len(pairs))] {
		near = append(near, Neighbour{bookID(p.book), float32(p.similarity)})
	}
	return near
}

func TestNeighboursAgreeWithTheDefinition(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 400 {
		m := randomMatrix(rnd)
		k, lambda := rnd.IntN(12), []float64{0, 5, 100}[rnd.IntN(3)]
		found, err := Neighbours(t.Context(), m.ratings(t), k, lambda, nil)
		if err != nil {
			t.Fatal(err)
		}
		rated := 0
		for i := range m[0] {
			if m.readers(i) > 0 {
				rated++
			}
		}
		if len(found) != rated {
			t.Fatalf("neighbours of %d books, want %d", len(found), rated)
		}
		for _, f := range found {
			i := -1
			for c := range m[0] {
				if bookID(c) == f.Book {
					i = c
				}
			}
			want := m.neighbours(i, k, lambda)
			if len(f.Near) != len(want) {
				t.Fatalf("book %d has %d neighbours, want %d", i, len(f.Near), len(want))
			}
			for n := range want {
				// Ids may differ where similarities differ only in the last bit: then both orders are correct.
				if math.Abs(float64(f.Near[n].Similarity-want[n].Similarity)) > 1e-6 {
					t.Fatalf("book %d, neighbour %d: %v, want %v", i, n, f.Near[n], want[n])
				}
				j := f.Near[n].ID
				exact := slices.IndexFunc(want, func(w Neighbour) bool { return w.ID == j })
				if exact < 0 && f.Near[n].Similarity-want[len(want)-1].Similarity > 1e-6 {
					t.Fatalf("book %d: %d does not belong among its neighbours", i, j)
				}
			}
		}
	}
}

func TestTiesGoToThePopular(t *testing.T) {
	t.Parallel()
	// Books 1 and 2 are equally similar to book 0 with λ = 0: each has only the readers of book 0, or in the same
	// proportion. Book 3 also has other readers, so it is less similar.
	m := matrix{{10, 4, 10, 10}, {10, 4, 10, 10}, {0, 0, 0, 10}}
	found, err := Neighbours(t.Context(), m.ratings(t), 3, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	near := found[0].Near
	if len(near) != 3 || near[0].ID != bookID(1) || near[1].ID != bookID(2) || near[2].ID != bookID(3) {
		t.Fatalf("neighbours %v: equally similar books must be in the order they were added, the less similar one last", near)
	}
	if math.Abs(float64(near[0].Similarity)-1) > 1e-6 || near[2].Similarity > 0.9 {
		t.Fatalf("similarities %v: want 1, 1 and √⅔", near)
	}
	if compare(scored{book: 7, readers: 9, similarity: 0.5}, scored{book: 3, readers: 8, similarity: 0.5}) >= 0 {
		t.Fatal("the more popular of two equally similar books must come first")
	}
}

func TestNeighboursStopWithTheContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Neighbours(ctx, matrix{{1, 2, 3}, {3, 2, 1}}.ratings(t), 2, 0, nil)
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("err = %v, want context.Canceled", err)
	}
}

// TestNeighboursReportProgress: each percent is reported once, up to the last.
func TestNeighboursReportProgress(t *testing.T) {
	t.Parallel()
	for books, want := range map[int]int{1: 1, 3: 3, 250: 100} {
		ratings := &Ratings{}
		for book := range books {
			if err := ratings.Add(1, int64(book+1), 8); err != nil {
				t.Fatal(err)
			}
		}
		var mu sync.Mutex
		reported := map[int]int{}
		if _, err := Neighbours(t.Context(), ratings, 5, 0, func(percent int) {
			mu.Lock()
			defer mu.Unlock()
			reported[percent]++
		}); err != nil {
			t.Fatal(err)
		}
		if len(reported) != want || reported[100] != 1 {
			t.Errorf("of %d books: %v", books, reported)
		}
	}
}

// TestSupport: with many readers, books with one reader in common are not neighbours.
func TestSupport(t *testing.T) {
	t.Parallel()
	r := &Ratings{}
	add := func(reader int, books ...int64) {
		for _, book := range books {
			if err := r.Add(int64(reader), book, 9); err != nil {
				t.Fatal(err)
			}
		}
	}
	add(1, 1, 2, 3) // 1 and 2 have two readers in common, 3 has one with each
	add(2, 1, 2)
	for reader := range manyReaders {
		add(reader+3, 4)
	}
	found, err := Neighbours(t.Context(), r, 5, Shrink(r.Readers()), nil)
	if err != nil || len(found) != 4 {
		t.Fatal(len(found), err)
	}
	for _, f := range found {
		want := map[int64]int64{1: 2, 2: 1}[f.Book]
		if (want != 0) != (len(f.Near) == 1) || want != 0 && f.Near[0].ID != want {
			t.Errorf("book %d: %+v", f.Book, f.Near)
		}
	}
}

func TestNoRatings(t *testing.T) {
	t.Parallel()
	r := &Ratings{}
	found, err := Neighbours(t.Context(), r, 50, Shrink(r.Readers()), nil)
	if err != nil || len(found) != 0 || len(Popularity(r)) != 0 || r.Len() != 0 || r.Readers() != 0 {
		t.Fatalf("nothing rated: %v, %v", found, err)
	}
}

func TestAddRefusesInvalidRatings(t *testing.T) {
	t.Parallel()
	for _, stars := range []int{-1, 0, 11, 256 + 5} {
		r := &Ratings{}
		if err := r.Add(1, 1, stars); err == nil || r.Len() != 0 {
			t.Errorf("%d half stars: err = %v, %d ratings", stars, err, r.Len())
		}
	}
}

func TestPopularity(t *testing.T) {
	t.Parallel()
	// Book 0: many readers like it. Book 1: one reader loves it. Book 2: many readers dislike it.
	m := matrix{{8, 10, 2}, {8, 0, 2}, {8, 0, 2}, {8, 0, 2}, {8, 0, 2}, {8, 0, 2}}
	p := Popularity(m.ratings(t))
	if len(p) != 3 || p[0].Book != bookID(0) || p[0].Readers != 6 || p[1].Readers != 1 {
		t.Fatalf("popularity %v", p)
	}
	if !(p[0].Score > p[2].Score && p[2].Score > 0 && p[0].Score > p[1].Score) {
		t.Fatalf("scores %v: the book that many like must come first", p)
	}
	mean := (6*8.0 + 10 + 6*2) / 13
	want := (6*8 + 5*mean) / 11 / 2 * math.Log(7)
	if math.Abs(float64(p[0].Score)-want) > 1e-5 {
		t.Fatalf("score %v, want %v", p[0].Score, want)
	}
}

func TestShrink(t *testing.T) {
	t.Parallel()
	for readers, want := range map[int]float64{0: 100, 30: 100, 300: 100, 1000: 30, 10_000: 3} {
		if got := Shrink(readers); math.Abs(got-want) > 1e-9 {
			t.Errorf("Shrink(%d) = %v, want %v", readers, got, want)
		}
	}
}

// BenchmarkNeighbours runs the whole build in memory for a site of 2,700 readers with 111 ratings each of 10,000 books,
// with far more ratings of popular books.
func BenchmarkNeighbours(b *testing.B) {
	r := &Ratings{}
	rnd := rand.New(rand.NewPCG(1, 1))
	popular := rand.NewZipf(rnd, 1.1, 60, 9_999)
	for u := range 2_700 {
		seen := map[int64]bool{}
		for len(seen) < 111 {
			book := int64(popular.Uint64())
			if !seen[book] {
				seen[book] = true
				if err := r.Add(int64(u), book, 2+rnd.IntN(9)); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Neighbours(b.Context(), r, 50, Shrink(r.Readers()), nil); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(r.Len()), "ratings")
}
